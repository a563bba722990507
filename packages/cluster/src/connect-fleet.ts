/** Puts a process's part of the fleet together over one Redis: connections, inbox, coordinator, breaker, flights. */
import { types } from "node:util";
import { InvalidArgumentError, type Observer, type Randomness } from "@skein/core";
import { background, Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import type { Redis } from "ioredis";
import { Breaker } from "./breaker.ts";
import type { Coordinator } from "./coordinator.ts";
import { InvalidKeyError } from "./errors.ts";
import { Fleet } from "./fleet.ts";
import { flightKeys, type FlightName } from "./flight-keys.ts";
import { ListInbox } from "./inbox/list-inbox.ts";
import { PubSubInbox } from "./inbox/pubsub-inbox.ts";
import { logObserver } from "./logger.ts";
import type { ClusterEvent } from "./observer.ts";
import { checkClusterOptions, type ClusterOptions } from "./options.ts";
import { Policies } from "./policy.ts";
import { newProcessId } from "./process-id.ts";
import { probeCapabilities } from "./redis/capabilities.ts";
import { Link, type ConnectionOptions } from "./redis/connection.ts";
import { flightScripts } from "./redis/flight-scripts.ts";
import { ListOutbox } from "./redis/list-outbox.ts";
import { RedisAvailability } from "./redis/redis-availability.ts";
import { RedisCoordinator } from "./redis/redis-coordinator.ts";
import { loadScripts, ScriptRunner } from "./redis/script-runner.ts";
import { Signatures } from "./signatures.ts";

const HEARTBEAT_EVERY_MS = 1_000;
/** A connection that says nothing for so long, although asked, is half-open. */
const MAX_SILENCE_MS = 2_500;
/** Longer than any honest probe; it holds nobody up but `ready()`, which has its own limit. */
const PROBE_TIMEOUT_MS = 2_000;

/** The terms of a probe's flight: short, and of no consequence. */
const PROBE = {
  leaseMs: 500,
  maxTakeovers: 1_000,
  abandonMs: 1,
  freshMs: 0,
  firstGrant: undefined,
  registrationMs: 500,
  takesOver: true,
};

export interface FleetConnection {
  readonly fleet: Fleet;
  readonly policies: Policies;
  /** @throws InvalidKeyError, InvalidArgumentError */
  checkKey(key: string): void;
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** @throws InvalidOptionError naming the option, its value and the rule. */
export function connectFleet(options: ClusterOptions): FleetConnection {
  checkClusterOptions(options);
  const limits = flightLimits<ClusterEvent>(coreOptions(options, (key) => policies.find(key)?.prefix));
  const policies = new Policies(options);
  const { namespace = "default", redisTimeoutMs = 250, hashKeys = false, maxKeyBytes = 1_024 } = options;
  const { clock, randomness } = limits;
  const emitter = new Emitter<ClusterEvent>(observersOf(options));
  const table = new FlightTable(limits, emitter);
  const keys = flightKeys({ namespace, maxKeyBytes, hashKeys });
  const processId = newProcessId(randomness);
  const emit = (event: ClusterEvent): void => {
    if (emitter.active) emitter.emit(event);
  };

  const connection: ConnectionOptions = {
    source: options.redis,
    redisTimeoutMs,
    heartbeatEveryMs: HEARTBEAT_EVERY_MS,
    silenceLimitMs: Math.min(policies.longestLeaseMs ?? MAX_SILENCE_MS, MAX_SILENCE_MS),
    clock,
    randomness,
  };
  const commands = new Link(connection, "commands", async (redis) => {
    await Promise.all([readServerClock(redis), loadScripts(redis, flightScripts)]);
  });
  const { inboxPrefix } = keys;
  const inboxName = inboxPrefix + processId;
  const inbox =
    options.wakeup === "list" ? new ListInbox(inboxName, connection) : new PubSubInbox(inboxName, connection);
  const runner = new ScriptRunner(commands);
  const outbox = new ListOutbox({
    runner,
    inboxPrefix,
    timeoutMs: redisTimeoutMs,
    onLost: (processes) => emit({ type: "wakeup-lost", processes }),
  });
  const coordinator: RedisCoordinator = new RedisCoordinator({
    link: commands,
    runner,
    clock,
    processId,
    inboxPrefix,
    transport: inbox.transport,
    redisTimeoutMs,
    outbox,
  });
  const breaker = new Breaker(
    {
      failures: 1,
      slowReplies: 5,
      slowMs: Math.ceil(redisTimeoutMs * 0.8),
      probeEveryMs: 250,
      ...options.breaker,
    },
    {
      probe: () => probeByJoining(coordinator, keys.flight(`probe ${processId}`), randomness, redisTimeoutMs),
      clock,
      randomness,
      onChange: (state) => emit({ type: "breaker", state }),
    },
  );
  const availability = new RedisAvailability({ commands, inbox: inbox.link, breaker });
  const fleet = new Fleet({
    processId,
    coordinator,
    inbox,
    availability,
    keys,
    clock,
    randomness,
    table,
    emitter,
    redisTimeoutMs,
    pollEveryMs: options.pollEveryMs ?? 1_000,
    deathGraceMs: options.deathGraceMs ?? 400,
    signatures: signaturesOf(options),
  });
  for (const link of [commands, inbox.link]) {
    link.onStateChange((state) => {
      if (state === "up" || state === "down") emit({ type: "link", link: link.name, state });
      // A connection that came back is the best moment to look again.
      if (state === "up") breaker.probeNow();
    });
  }
  fleet.open();
  const probed = probeOnce();
  background(probed);

  async function readServerClock(redis: Redis): Promise<void> {
    const sentAt = clock.now();
    coordinator.serverClock.doubt();
    try {
      const [seconds, microseconds] = await redis.time();
      coordinator.serverClock.learn(Number(seconds) * 1_000_000 + Number(microseconds), sentAt);
    } catch {
      // Without the right to TIME the scripts fail as well; the probe says so by name.
    }
  }

  async function probeOnce(): Promise<void> {
    // Not for the inbox: the right to subscribe may be the one that is missing.
    await firstUp(commands);
    if (commands.state === "closed") return;
    const report = await probeCapabilities(commands, inbox.link, {
      keySample: keys.flight("probe").flightKey,
      inbox: inboxName,
      transport: inbox.transport,
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    if (report.ok && report.warnings.length === 0) return;
    emit({ type: "capabilities", missing: report.missing, warnings: report.warnings });
  }

  return {
    fleet,
    policies,
    checkKey(key) {
      if (typeof key !== "string") throw new InvalidArgumentError("key", key, "must be a string");
      const bytes = Buffer.byteLength(key);
      if (bytes === 0 || bytes > maxKeyBytes) throw new InvalidKeyError(bytes, maxKeyBytes);
    },
    async ready() {
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = clock.setTimer(resolve, redisTimeoutMs);
      await Promise.race([probed, late]);
      timer.cancel();
    },
    async close() {
      breaker.close();
      await Promise.all([inbox.close(), commands.close()]);
    },
  };
}

/**
 * Asks what calls ask, on a flight of this process's own that is given up at once. A PING would pass on a server that is
 * full, or that denies what joins need, and the breaker would close in vain again and again.
 */
async function probeByJoining(
  coordinator: Coordinator,
  flight: FlightName,
  randomness: Randomness,
  withinMs: number,
): Promise<void> {
  const reply = await coordinator.join({ ...PROBE, flight, withinMs, nonce: randomness.identifier(12) });
  if (reply.status !== "lead") throw new Error(`the probe was answered with ${reply.status}`);
  const claim = { token: reply.token };
  await coordinator.resign({ flight, claim, countsAsTakeover: false, ifUnwanted: false });
}

/** Resolves when the link comes up, or never will. */
function firstUp(link: Link): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (link.state === "up" || link.state === "closed") resolve();
  const stop = link.onStateChange((state) => {
    if (state !== "up" && state !== "closed") return;
    stop();
    resolve();
  });
  return promise;
}

/** A copy: what the application does with its array or bytes afterwards changes nothing. */
function signaturesOf({ secrets }: ClusterOptions): Signatures | undefined {
  if (secrets === undefined) return undefined;
  const list = typeof secrets === "string" || types.isUint8Array(secrets) ? [secrets] : secrets;
  const [first, ...others] = list.map((secret) =>
    typeof secret === "string" ? secret : Uint8Array.from(secret),
  );
  return first === undefined ? undefined : new Signatures([first, ...others]);
}

/** What core takes and checks. */
function coreOptions(options: ClusterOptions, keyPrefixOf: (key: string) => string | undefined): object {
  const {
    maxEntries,
    maxAgeMs,
    onFull,
    maxWaiters,
    timeoutMs,
    detectReentry,
    observer,
    exposeKeys,
    clock,
    randomness,
  } = options;
  const given = {
    maxEntries,
    maxAgeMs,
    onFull,
    maxWaiters,
    timeoutMs,
    detectReentry,
    observer,
    exposeKeys,
    clock,
    randomness,
  };
  const present = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...present, keyPrefixOf };
}

function observersOf({ observer, logger }: ClusterOptions): readonly Observer<ClusterEvent>[] {
  const given = observer === undefined ? [] : "onEvent" in observer ? [observer] : [...observer];
  return logger === undefined ? given : [...given, logObserver(logger)];
}
