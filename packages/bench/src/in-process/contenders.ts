/** Who takes part, in the order of the tables. The first is what the others are measured against. */
import { asyncCacheDedupe } from "./contenders/async-cache-dedupe.ts";
import { bareMap } from "./contenders/bare-map.ts";
import { bentocache } from "./contenders/bentocache.ts";
import { lruCache } from "./contenders/lru-cache.ts";
import { mapWithSignal } from "./contenders/map-with-signal.ts";
import { pMemoized } from "./contenders/p-memoize.ts";
import { promiseCoalesce } from "./contenders/promise-coalesce.ts";
import { publishedClass } from "./contenders/published-class.ts";
import { skeinAbortable, skeinChecked, skeinObserved, skeinUnchecked } from "./contenders/skein-core.ts";
import type { InProcessContender } from "./contender.ts";

export const CONTENDERS: readonly InProcessContender[] = [
  bareMap,
  mapWithSignal,
  publishedClass,
  asyncCacheDedupe,
  promiseCoalesce,
  lruCache,
  pMemoized,
  bentocache,
  skeinUnchecked,
  skeinChecked,
  skeinObserved,
  skeinAbortable,
];
