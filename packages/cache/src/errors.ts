/** What the cache throws on top of core's and the cluster's errors. Callers branch on `code`. */
import { SkeinError } from "@skein/core";

/** The closed set of codes of this package; `docs/ERRORS.md` says who sees each, why, and what to do. */
export const cacheErrorCodes = ["ERR_SKEIN_CACHED_WORK"] as const;
export type CacheErrorCode = (typeof cacheErrorCodes)[number];

/**
 * The work failed a moment ago, and `errorTtlMs` keeps it from being tried again at once. `message` and `code` are the
 * original's; class and stack stayed with the call that ran the work. (With entries kept by the flights' Redis callers
 * get a `RemoteWorkError` instead.)
 */
export class CachedWorkError extends SkeinError {
  override readonly name = "CachedWorkError";
  readonly skeinCode: CacheErrorCode = "ERR_SKEIN_CACHED_WORK";
  /** The original's name. */
  readonly workName: string;

  constructor(workName: string, message: string, code: string | undefined) {
    super(code ?? "ERR_SKEIN_CACHED_WORK", message);
    this.workName = workName;
  }
}
