// The three ways to answer many callers who ask the same thing at once. The server is the same in all of them.

import { ClusterSingleflight } from "@skein/cluster";
import { Singleflight, type Coalescer } from "@skein/core";
import type { PrometheusObserver } from "@skein/metrics";
import type { Logger } from "pino";
import type { ServerConfig } from "./server.ts";

/** Of the keys of all reports; the label under which they are counted. */
export const REPORT_PREFIX = "report:";
/** Of the keys of reports that are kept for a while. */
export const KEPT_PREFIX = "kept:";

export type Mode = "none" | "in-process" | "cluster";

/** A report may take long when everybody asks for one at once. */
const PATIENT = { maxAgeMs: 60_000, waitTimeoutMs: 120_000 };

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
      return new Singleflight({ observer, keyPrefixOf });
    case "cluster":
      return new ClusterSingleflight({
        redis: redisUrl,
        namespace,
        prefixes: { [REPORT_PREFIX]: PATIENT, [KEPT_PREFIX]: PATIENT },
        // One machine plays servers, callers, Redis and a busy database: it may take longer than the usual 250 ms.
        redisTimeoutMs: 1_000,
        logger,
        observer,
      });
  }
}

function keyPrefixOf(key: string): string | undefined {
  return [REPORT_PREFIX, KEPT_PREFIX].find((prefix) => key.startsWith(prefix));
}
