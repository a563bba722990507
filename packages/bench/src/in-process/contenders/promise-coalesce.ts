/** promise-coalesce has no options: one global table. */
import { coalesceAsync } from "promise-coalesce";
import type { InProcessContender } from "../contender.ts";

export const promiseCoalesce: InProcessContender = {
  name: "promise-coalesce",
  configuration: "no options",
  module: import.meta.url,
  open: (load) => (key) => coalesceAsync(key, () => load(key)),
};
