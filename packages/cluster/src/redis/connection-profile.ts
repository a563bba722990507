/**
 * How Skein connects, whatever the application configured for itself. The client's defaults suit an application that
 * would rather wait than fail: they queue commands while Redis is away, run them after their caller gave up, and send
 * some twice. Here a command is sent now, once, or fails. What the application hands over is duplicated and never
 * closed, used or changed.
 */
import { InvalidOptionError } from "@skein/core";
import type { Randomness } from "@skein/core";
import { withoutText } from "@skein/core/internal";
import { Redis, type RedisOptions } from "ioredis";

/** A redis:// or rediss:// URL, ioredis options, or an ioredis client (5.11 or 6) to `duplicate()`. */
export type NodeSource = string | RedisOptions | Redis;

/** Where a server is. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Until TCP (and TLS) is established. */
const CONNECT_TIMEOUT_MS = 2_000;
const KEEP_ALIVE_MS = 5_000;
/** After this a socket that was closed politely is destroyed. */
const DISCONNECT_TIMEOUT_MS = 200;
/** A live process is without its inbox for as long as its first reconnect takes, and others look: so it is short. */
const FIRST_RECONNECT_MS = 20;
const FIRST_RECONNECTS = 5;
const MAX_RECONNECT_MS = 500;

export const REDIS_RULE =
  "must be a redis:// or rediss:// URL, ioredis options, { cluster: nodes }, or an ioredis client";
/** Stands for whatever names a server: it may hold a password. */
const NOT_SHOWN = "(not shown)";

/** A client of our own that starts to connect. @throws InvalidOptionError for a source that cannot be used. */
export function openClient(source: NodeSource, nextDelayMs: () => number): Redis {
  const template = templateOf(source);
  const { keyPrefix, sentinels } = template.options;
  refuseKeyPrefix(keyPrefix);
  const client = template.duplicate({
    // A command is sent now or rejected; when the socket closes every unanswered one is rejected at once.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableAutoPipelining: false,
    autoResubscribe: false,
    reconnectOnError: null,
    retryStrategy: nextDelayMs,
    lazyConnect: false,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    noDelay: true,
    // Time limits are kept by the link, which knows when this process was busy.
    commandTimeout: undefined,
    socketTimeout: undefined,
    blockingTimeout: undefined,
    // The link asks for readiness with PING, which needs no right to INFO; only Sentinel has to check the role.
    enableReadyCheck: isConfigured(sentinels),
    // Replies in one shape for both protocols and both versions of the client.
    stringNumbers: false,
    replyMapping: "legacy",
    showFriendlyErrorStack: false,
    // Set up by the link, or of use to the application only.
    connectionName: undefined,
    disableClientInfo: true,
    monitor: false,
    readOnly: false,
    scripts: undefined,
    himportFieldsets: undefined,
  });
  keepUntraced(client);
  return client;
}

/** Delay before the n-th attempt (from 1) since the link was last up. */
export function reconnectDelayMs(attempt: number, randomness: Randomness): number {
  if (attempt <= FIRST_RECONNECTS) return FIRST_RECONNECT_MS;
  const grown = Math.min(MAX_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** (attempt - FIRST_RECONNECTS));
  return Math.round(grown * (0.5 + randomness.fraction() / 2));
}

/** The client's tracing channel would publish keys and payloads to whoever listens. */
function keepUntraced(client: Redis): void {
  const send = client.sendCommand.bind(client);
  client.sendCommand = (command, ...rest) => {
    command.isTraced = true;
    return send(command, ...rest);
  };
}

/** @throws InvalidOptionError */
export function refuseKeyPrefix(keyPrefix: unknown): void {
  if (keyPrefix === undefined || keyPrefix === "") return;
  const rule = "must not be set, since it would apply to keys but not to channels; use namespace";
  throw new InvalidOptionError("redis.keyPrefix", keyPrefix, rule);
}

/** A client that is not connected, or the application's own; only ever duplicated. @throws InvalidOptionError */
export function templateOf(source: NodeSource): Redis {
  if (typeof source === "string") {
    if (!/^rediss?:\/\//i.test(source)) throw new InvalidOptionError("redis", NOT_SHOWN, REDIS_RULE);
    return configure(() => new Redis(source, { lazyConnect: true }));
  }
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    throw new InvalidOptionError("redis", withoutText(source), REDIS_RULE);
  }
  if (!isClient(source)) {
    return configure(() => new Redis({ ...source, lazyConnect: true, replyMapping: "legacy" }));
  }
  // Told by shape, since the application may have another version or another copy of the client.
  if (typeof source.callBuffer !== "function" || typeof source.options !== "object") {
    throw new InvalidOptionError("redis", withoutText(source), REDIS_RULE);
  }
  return source;
}

function isClient(source: RedisOptions | Redis): source is Redis {
  return "duplicate" in source;
}

/** Runs the client's own checks; their errors quote the URL with its password. */
function configure(create: () => Redis): Redis {
  try {
    return create();
  } catch {
    throw new InvalidOptionError("redis", NOT_SHOWN, REDIS_RULE);
  }
}

function isConfigured(sentinels: unknown): boolean {
  return Array.isArray(sentinels) && sentinels.length > 0;
}
