/** The options of a prefix with every default applied and every relation checked, and the choice of one for a key. */
import { InvalidOptionError } from "@skein/core";
import { disregard } from "@skein/core/internal";
import { resolveCodec, type Codec } from "./codec.ts";
import { checkPrefixOptions, type ClusterOptions, type PrefixOptions } from "./options.ts";
import type { StandardSchema } from "./standard-schema.ts";

const DEFAULT_MAX_AGE_MS = 30_000;

export interface Policy {
  readonly prefix: string;
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  readonly maxAgeMs: number;
  readonly waitTimeoutMs: number;
  readonly onWaitTimeout: "local" | "error";
  readonly maxTakeovers: number;
  readonly abandonMs: number;
  readonly onLeaderLoss: "takeover" | "local";
  readonly freshMs: number;
  readonly retainMs: number;
  readonly sharesError: (error: unknown) => boolean;
  readonly onUnavailable: "local" | "error";
  readonly maxFallbackConcurrency: number;
  readonly shadow: boolean;
  readonly codec: Codec;
  readonly schema: StandardSchema | undefined;
  readonly inlineMaxBytes: number;
  readonly maxOutcomeBytes: number;
}

/** Finds the policy of a key: the longest declared prefix that it starts with. */
export class Policies {
  /** Longest first, so the first match is the one. */
  readonly #policies: readonly Policy[];

  /** @throws InvalidOptionError naming the prefix, the option, its value and the rule. */
  constructor(options: ClusterOptions) {
    const { prefixes = [], maxAgeMs } = options;
    const entries: readonly (readonly [string, PrefixOptions])[] = isList(prefixes)
      ? prefixes.map((prefix) => [prefix, {}] as const)
      : Object.entries(prefixes);
    this.#policies = entries
      .map(([prefix, own]) => resolvePolicy(prefix, own, maxAgeMs ?? DEFAULT_MAX_AGE_MS))
      .toSorted((a, b) => b.prefix.length - a.prefix.length);
  }

  /** `undefined` for a cold key: it is coalesced in this process only. */
  find(key: string): Policy | undefined {
    for (const policy of this.#policies) if (key.startsWith(policy.prefix)) return policy;
    return undefined;
  }

  /** The longest lease of all prefixes; `undefined` when nothing is coordinated. */
  get longestLeaseMs(): number | undefined {
    return this.#policies.length === 0
      ? undefined
      : Math.max(...this.#policies.map((policy) => policy.leaseMs));
  }
}

function resolvePolicy(prefix: string, own: PrefixOptions, defaultMaxAgeMs: number): Policy {
  checkPrefixOptions(prefix, own);
  const { leaseMs = 5_000, retainMs = 5_000, maxAgeMs = defaultMaxAgeMs, shareErrors = true } = own;
  const policy: Policy = {
    prefix,
    leaseMs,
    renewEveryMs: own.renewEveryMs ?? Math.floor(leaseMs / 5),
    maxAgeMs,
    waitTimeoutMs: own.waitTimeoutMs ?? 60_000,
    onWaitTimeout: own.onWaitTimeout ?? "local",
    maxTakeovers: own.maxTakeovers ?? 2,
    abandonMs: own.abandonMs ?? 30_000,
    onLeaderLoss: own.onLeaderLoss ?? "takeover",
    freshMs: own.freshMs ?? 0,
    retainMs,
    sharesError: typeof shareErrors === "function" ? harmless(shareErrors) : () => shareErrors,
    onUnavailable: own.onUnavailable ?? "local",
    maxFallbackConcurrency: own.maxFallbackConcurrency ?? Infinity,
    shadow: own.shadow ?? false,
    codec: resolveCodec(own.codec ?? "json"),
    schema: own.schema,
    inlineMaxBytes: own.inlineMaxBytes ?? 16 * 1024,
    maxOutcomeBytes: own.maxOutcomeBytes ?? 1024 * 1024,
  };
  const rule = (option: keyof PrefixOptions, holds: boolean, text: string): void => {
    if (!holds) {
      throw new InvalidOptionError(
        `prefixes[${JSON.stringify(prefix)}].${option}`,
        policy[option as keyof Policy],
        text,
      );
    }
  };
  rule("renewEveryMs", policy.renewEveryMs <= leaseMs / 2, `must be at most half of leaseMs (${leaseMs})`);
  rule("waitTimeoutMs", policy.waitTimeoutMs > maxAgeMs, `must exceed maxAgeMs (${maxAgeMs})`);
  rule("freshMs", policy.freshMs <= retainMs, `must be at most retainMs (${retainMs})`);
  return policy;
}

/**
 * A predicate that throws must not cost the callers their outcome. The error is then withheld: whoever brings a predicate
 * has errors that must stay in their process.
 */
function harmless(predicate: (error: unknown) => boolean): (error: unknown) => boolean {
  return (error) => {
    try {
      const shared: unknown = predicate(error);
      disregard(shared);
      return Boolean(shared);
    } catch {
      return false;
    }
  };
}

function isList(
  prefixes: Readonly<Record<string, PrefixOptions>> | readonly string[],
): prefixes is readonly string[] {
  return Array.isArray(prefixes);
}
