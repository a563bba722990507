/**
 * The options of `ClusterSingleflight`. Each says meaning, unit, default and why, range, and what it must relate to;
 * the schema below enforces it and names the offending value.
 */
import { types } from "node:util";
import type { SingleflightOptions } from "@skein/core";
import { InvalidOptionError } from "@skein/core";
import { MAX_TIMER_MS, withoutText } from "@skein/core/internal";
import * as z from "zod";
import type { CodecOption } from "./codec.ts";
import type { ClusterEvent } from "./observer.ts";
import type { Secret } from "./signatures.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { StructuralLogger } from "./logger.ts";
import type { MembershipSource } from "./membership.ts";
import type { RedisSource } from "./redis/cluster-source.ts";

/** How the flights of one key prefix are coordinated. */
export interface PrefixOptions {
  /**
   * How long leadership lasts without renewal, ms. 500 to 600_000, default 5_000: a dead leader whose connections stay
   * open is replaced after about this long, and a process that pauses longer loses its leadership.
   */
  leaseMs?: number;
  /** Time between renewals, ms. 20 to leaseMs / 2, default leaseMs / 5: four may be lost before the lease is. */
  renewEveryMs?: number;
  /**
   * How long the work may take, ms, from its start. 1 to waitTimeoutMs - 1, default 30_000 (or the global `maxAgeMs`). At
   * that age the leader stops renewing, aborts its work and resigns; a successor starts. Set it above the slowest
   * honest execution.
   */
  maxAgeMs?: number;
  /**
   * How long a follower waits for one leader, ms. Must exceed `maxAgeMs`; default 60_000. A new leader restarts it.
   * Afterwards: `onWaitTimeout`.
   */
  waitTimeoutMs?: number;
  /** After `waitTimeoutMs`: run the work in this process ("local", default), or reject with `WaitTimeoutError` ("error"). */
  onWaitTimeout?: "local" | "error";
  /** Leaders that may be lost one after the other before the key is given up. 0 to 100, default 2. */
  maxTakeovers?: number;
  /** How long followers and newcomers of a given-up key get `FlightAbandonedError`, ms. 1 to 86_400_000, default 30_000. */
  abandonMs?: number;
  /** When the leader is lost: one follower succeeds it ("takeover", default), or every process runs alone ("local"). */
  onLeaderLoss?: "takeover" | "local";
  /** A newcomer may get an outcome that is younger than this, ms. 0 to retainMs, default 0: never an older one. */
  freshMs?: number;
  /** How long an outcome is kept for followers that missed their wake-up, ms. 100 to 3_600_000, default 5_000. */
  retainMs?: number;
  /**
   * Whether errors of the work reach other processes. Default true. False, or a predicate that says so or throws: the
   * leader resigns instead, and the next process tries for itself.
   */
  shareErrors?: boolean | ((error: unknown) => boolean);
  /** When Redis cannot be used: run in this process ("local", default), or reject with `CoordinationUnavailableError`. */
  onUnavailable?: "local" | "error";
  /** Uncoordinated executions of this prefix at once in this process. 1 to 2^31-1, default none. Beyond: `FallbackLimitError`. */
  maxFallbackConcurrency?: number;
  /** Join and settle in the background, never wait, count what would have been saved. Default false. */
  shadow?: boolean;
  /** How values travel: "json" (default), "msgpack" (needs the msgpackr package), or `{ encode, decode }`. */
  codec?: CodecOption;
  /** A Standard Schema that values from other processes must satisfy. Default none. One that fails is not used. */
  schema?: StandardSchema;
  /** Outcomes up to this size travel with the wake-up; larger ones are fetched. Bytes, 0 to 1_048_576, default 16_384. */
  inlineMaxBytes?: number;
  /** Larger outcomes are not shared: every process runs alone. Bytes, 1 to 67_108_864, default 1_048_576. */
  maxOutcomeBytes?: number;
}

/** When Redis is given a rest. */
export interface BreakerOptionsInput {
  /** Consecutive failures that open the breaker. 1 to 1_000, default 1: one missing answer already cost `redisTimeoutMs`. */
  failures?: number;
  /** Consecutive slow replies that open it. 1 to 1_000, default 5. */
  slowReplies?: number;
  /** A reply slower than this is slow, ms. Default 0.8 x redisTimeoutMs. */
  slowMs?: number;
  /** Time between probes while it is open, ms, jittered. 10 to 60_000, default 250. */
  probeEveryMs?: number;
}

export interface ClusterOptions extends SingleflightOptions<ClusterEvent> {
  /**
   * A redis:// or rediss:// URL; ioredis options (with `sentinels` and `name` for Sentinel); `{ cluster: [nodes] }` with
   * ioredis options for every node, for Redis Cluster; or an ioredis client, `Redis` or `Cluster`, to connect like;
   * or what `quorum(nodes)` of `@skein/cluster/quorum` returns, for several independent primaries. `keyPrefix` is refused.
   */
  redis: RedisSource | MembershipSource;
  /** Separates deployments on one Redis. 1 to 100 characters, default "default". Part of every key and channel. */
  namespace?: string;
  /**
   * The key prefixes to coordinate: the longest match wins. A list takes the defaults. Keys that match none are
   * coalesced in this process only and cause no Redis traffic. Default: none.
   */
  prefixes?: Readonly<Record<string, PrefixOptions>> | readonly string[];
  /**
   * How this process is woken. Default "pubsub": by a subscription; when it is killed, others notice after `deathGraceMs`.
   * "list": by a list of its own that it pops from; needs no channels, and when it is killed, others notice after
   * `leaseMs`. Each process chooses for itself.
   */
  wakeup?: "pubsub" | "list";
  /**
   * What Redis may add to the start of a call in total, ms. 5 to 60_000, default 250. A tenth of it, at most 25, is kept for
   * timers that fire late: an answer is waited for no longer than the rest.
   */
  redisTimeoutMs?: number;
  /** How often a follower looks for itself, ms, in case its wake-up was lost. 50 to 60_000, default 1_000. */
  pollEveryMs?: number;
  /** How long a leader's inbox must have been empty before it is held for dead, ms. 100 to 60_000, default 400. */
  deathGraceMs?: number;
  /**
   * Followers woken by one settle. 1 to 10_000, default 1_000: a script that tells more holds Redis for longer than others
   * should wait. The leader settles again for the rest, at the cost of a round trip each time.
   */
  maxWokenPerSettle?: number;
  breaker?: BreakerOptionsInput;
  /**
   * Secrets that the whole deployment shares: outcomes and cache entries are signed with the first (HMAC-SHA-256), and
   * believed only if signed with one of them, for their key and flight and in their time; entries of a cache with a store
   * of its own, too, for their key and in their time. One or 1 to 8 of them, each of
   * 16 bytes or more; random ones, please. Default none: whoever can write to Redis is believed. To rotate: add the new
   * one at the end everywhere, then move it to the front everywhere, then drop the old one. A process that shares no
   * secret with the leader runs the work itself.
   */
  secrets?: Secret | readonly Secret[];
  /** Replace keys by their SHA-256 in Redis. Default false: readable names help at three in the morning. */
  hashKeys?: boolean;
  /** Longer keys are refused with `InvalidKeyError`. Bytes of UTF-8, 1 to 65_536, default 1_024. */
  maxKeyBytes?: number;
  /**
   * On SIGTERM: close with drain (5_000 ms, or `drainMs`: 0 to 2_147_483_647), then leave the process to its other
   * handlers. Default false.
   */
  handleSignals?: boolean | { drainMs?: number };
  /**
   * Names the group of a key that matches no declared prefix, in events: a small closed set, never the key itself. Keys of
   * declared prefixes are told under those. Default none: "other" for every such key.
   */
  keyPrefixOf?: (key: string) => string | undefined;
  /** pino-shaped: `debug`, `info`, `warn`, `error`, each called with an object and a message. Default: silent. */
  logger?: StructuralLogger;
}

const ms = (min: number, max: number = MAX_TIMER_MS): z.ZodInt => z.int().min(min).max(max);
const callable = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === "function",
  "must be a function",
);

/** A property of anything; `undefined` where there can be none. */
function field(value: unknown, name: string): unknown {
  return Reflect.get(Object(value), name);
}

const codecSchema = z.union(
  [
    z.literal("json"),
    z.literal("msgpack"),
    z.object({ encode: callable, decode: callable, name: z.string().optional() }),
  ],
  { error: 'must be "json", "msgpack" or { encode, decode }' },
);

const prefixSchema = z.strictObject({
  leaseMs: ms(500, 600_000).optional(),
  renewEveryMs: ms(20, 300_000).optional(),
  maxAgeMs: ms(1).optional(),
  waitTimeoutMs: ms(1).optional(),
  onWaitTimeout: z.enum(["local", "error"]).optional(),
  maxTakeovers: z.int().min(0).max(100).optional(),
  abandonMs: ms(1, 86_400_000).optional(),
  onLeaderLoss: z.enum(["takeover", "local"]).optional(),
  freshMs: ms(0, 3_600_000).optional(),
  retainMs: ms(100, 3_600_000).optional(),
  shareErrors: z.union([z.boolean(), callable], { error: "must be true, false or a predicate" }).optional(),
  onUnavailable: z.enum(["local", "error"]).optional(),
  maxFallbackConcurrency: z.int().min(1).max(MAX_TIMER_MS).optional(),
  shadow: z.boolean().optional(),
  codec: codecSchema.optional(),
  schema: z
    .custom(
      (value) => typeof field(field(value, "~standard"), "validate") === "function",
      "must be a Standard Schema",
    )
    .optional(),
  inlineMaxBytes: z.int().min(0).max(1_048_576).optional(),
  maxOutcomeBytes: z.int().min(1).max(67_108_864).optional(),
});

const CONFIDENTIAL: ReadonlySet<unknown> = new Set(["redis", "secrets"]);
const NEVER_TEXT: ReadonlySet<unknown> = new Set([
  "breaker",
  "handleSignals",
  "logger",
  "schema",
  "shareErrors",
]);

/** What core checks itself is passed on to it. */
const passedOn = z.unknown().optional();

const secretSchema = z.custom<Secret>(
  (value) => (typeof value === "string" || types.isUint8Array(value)) && Buffer.from(value).length >= 16,
);

const clusterSchema = z.strictObject({
  redis: z.union(
    [z.string().min(1), z.custom<object>((value) => typeof value === "object" && value !== null)],
    {
      error: "must be a URL, ioredis options or an ioredis client",
    },
  ),
  namespace: z.string().min(1).max(100).optional(),
  prefixes: z
    .union([z.array(z.string().min(1)), z.record(z.string().min(1), z.unknown())], {
      error: "must be a list of non-empty prefixes, or an object of options by prefix",
    })
    .optional(),
  wakeup: z.enum(["pubsub", "list"]).optional(),
  redisTimeoutMs: ms(5, 60_000).optional(),
  pollEveryMs: ms(50, 60_000).optional(),
  deathGraceMs: ms(100, 60_000).optional(),
  maxWokenPerSettle: z.int().min(1).max(10_000).optional(),
  breaker: z
    .strictObject({
      failures: z.int().min(1).max(1_000).optional(),
      slowReplies: z.int().min(1).max(1_000).optional(),
      slowMs: ms(1).optional(),
      probeEveryMs: ms(10, 60_000).optional(),
    })
    .optional(),
  secrets: z
    .union([secretSchema, z.array(secretSchema).min(1).max(8)], {
      error: "must be a string or bytes, of 16 bytes or more, or a list of 1 to 8 of these",
    })
    .optional(),
  hashKeys: z.boolean().optional(),
  maxKeyBytes: z.int().min(1).max(65_536).optional(),
  handleSignals: z
    .union([z.boolean(), z.strictObject({ drainMs: ms(0).optional() })], {
      error: `must be true, false, or { drainMs }, an integer from 0 to ${MAX_TIMER_MS}`,
    })
    .optional(),
  logger: z
    .custom(
      (value) =>
        ["debug", "info", "warn", "error"].every((level) => typeof field(value, level) === "function"),
      {
        error: "must have debug, info, warn and error functions",
      },
    )
    .optional(),
  maxEntries: passedOn,
  maxAgeMs: passedOn,
  onFull: passedOn,
  maxWaiters: passedOn,
  timeoutMs: passedOn,
  detectReentry: passedOn,
  observer: passedOn,
  keyPrefixOf: passedOn,
  exposeKeys: passedOn,
  clock: passedOn,
  randomness: passedOn,
});

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function checkClusterOptions(options: ClusterOptions): void {
  parse(clusterSchema, options, "");
}

/** @throws InvalidOptionError naming the option (with its prefix), its value and the rule. */
export function checkPrefixOptions(prefix: string, options: PrefixOptions): void {
  parse(prefixSchema, options, `prefixes[${JSON.stringify(prefix)}]`);
}

function parse(schema: z.ZodType, value: unknown, at: string): void {
  const result = schema.safeParse(value);
  if (result.success) return;
  const issue = result.error.issues[0];
  if (issue === undefined) return;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const option = [at, ...path.map(String)].filter((part) => part !== "").join(".");
  const offending = path.reduce<unknown>((from, part) => Reflect.get(Object(from), part), value);
  throw new InvalidOptionError(
    option === "" ? "options" : option,
    unknown !== undefined || mayBeSecret(issue.path) ? withoutText(offending) : offending,
    unknown === undefined ? issue.message : "is not known",
  );
}

/** What holds secrets, and text in the place of what is never text: it may have been meant for one of those. */
function mayBeSecret(path: readonly PropertyKey[]): boolean {
  const [first] = path;
  return path.length === 0 || CONFIDENTIAL.has(first) || (path.length === 1 && NEVER_TEXT.has(first));
}
