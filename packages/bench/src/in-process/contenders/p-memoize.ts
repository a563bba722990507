/** p-memoize with `cache: false`: it shares what is under way and keeps nothing. The first argument is its key by default. */
import pMemoize from "p-memoize";
import type { InProcessContender } from "../contender.ts";

export const pMemoized: InProcessContender = {
  name: "p-memoize",
  configuration: "cache: false",
  module: import.meta.url,
  open: (load) => pMemoize(load, { cache: false }),
};
