// The three ways to answer many callers who ask the same thing at once. The server is the same in all of them.

import { ClusterSingleflight } from "@skein/cluster";
import { Singleflight, type Coalescer } from "@skein/core";
import type { PrometheusObserver } from "@skein/metrics";
import type { Logger } from "pino";
import type { ServerConfig } from "./server.ts";

/** Of the keys of all reports; the label under which they are counted. */
export const REPORT_PREFIX = "report:";

export type Mode = "none" | "in-process" | "cluster";

/** Undefined for "none": everybody for themselves. */
export function coalescerFor(
  { mode, redisUrl, namespace }: ServerConfig,
  logger: Logger,
  observer: PrometheusObserver,
): Coalescer | undefined {
  switch (mode) {
    case "none":
      return undefined;
    case "in-process":
      return new Singleflight({ observer, keyPrefixOf: () => REPORT_PREFIX });
    case "cluster":
      return new ClusterSingleflight({
        redis: redisUrl,
        namespace,
        prefixes: { [REPORT_PREFIX]: { maxAgeMs: 60_000, waitTimeoutMs: 120_000 } },
        // One machine plays servers, callers, Redis and a busy database: it may take longer than the usual 250 ms.
        redisTimeoutMs: 1_000,
        logger,
        observer,
      });
  }
}
