/** Puts a process's part of the fleet together over Redis: connections, inbox, coordinator, breaker, flights. */
import { types } from "node:util";
import { InvalidArgumentError, type Observer } from "@skein/core";
import { Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import { InvalidKeyError } from "./errors.ts";
import { Fleet } from "./fleet.ts";
import { flightKeys } from "./flight-keys.ts";
import { ListInbox } from "./inbox/list-inbox.ts";
import { PubSubInbox } from "./inbox/pubsub-inbox.ts";
import { logObserver } from "./logger.ts";
import type { ClusterEvent } from "./observer.ts";
import { checkClusterOptions, type ClusterOptions } from "./options.ts";
import { Policies } from "./policy.ts";
import { newProcessId } from "./process-id.ts";
import { openDeployment } from "./redis/deployment.ts";
import { ListOutbox } from "./redis/list-outbox.ts";
import { RedisCoordinator } from "./redis/redis-coordinator.ts";
import { Rights } from "./redis/rights.ts";
import { ServerBreakers } from "./redis/server-breakers.ts";
import { Signatures } from "./signatures.ts";

const HEARTBEAT_EVERY_MS = 1_000;
/** A connection that says nothing for so long, although asked, is half-open. */
const MAX_SILENCE_MS = 2_500;
/** Longer than any honest probe; it holds nobody up but `ready()`, which has its own limit. */
const PROBE_TIMEOUT_MS = 2_000;

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

  const slowMs = Math.ceil(redisTimeoutMs * 0.8);
  const breakers = new ServerBreakers({
    breaker: { failures: 1, slowReplies: 5, slowMs, probeEveryMs: 250, ...options.breaker },
    keys,
    processId,
    clock,
    randomness,
    redisTimeoutMs,
    onChange: (state) => emit({ type: "breaker", state }),
  });
  const deployment = openDeployment({
    source: options.redis,
    connection: {
      redisTimeoutMs,
      heartbeatEveryMs: HEARTBEAT_EVERY_MS,
      silenceLimitMs: Math.min(policies.longestLeaseMs ?? MAX_SILENCE_MS, MAX_SILENCE_MS),
      clock,
      randomness,
      onTrouble: (code) => rights.onTrouble(code),
    },
    breakers,
    onReachable: (up) => emit({ type: "link", link: "commands", state: up ? "up" : "down" }),
    denied: () => rights.denied,
  });
  const { servers } = deployment;
  const { inboxPrefix } = keys;
  const inboxName = inboxPrefix + processId;
  const inbox =
    options.wakeup === "list"
      ? new ListInbox(inboxName, deployment.inboxConnection(inboxName))
      : new PubSubInbox(inboxName, deployment.inboxConnection());
  const outbox = new ListOutbox({
    servers,
    inboxPrefix,
    timeoutMs: redisTimeoutMs,
    onLost: (processes) => emit({ type: "wakeup-lost", processes }),
  });
  const coordinator: RedisCoordinator = new RedisCoordinator({
    servers,
    clock,
    processId,
    inboxPrefix,
    transport: inbox.transport,
    redisTimeoutMs,
    outbox,
  });
  breakers.ask(coordinator);
  const keySample = keys.flight("probe").flightKey;
  const rights = new Rights({
    firstUp: deployment.firstUp,
    commands: () => servers.of(keySample)?.link,
    inbox: inbox.link,
    clock,
    probe: {
      keySample,
      inbox: inboxName,
      transport: inbox.transport,
      timeoutMs: PROBE_TIMEOUT_MS,
      ...(deployment.isCluster ? { linkOf: (key: string) => servers.of(key)?.link } : {}),
    },
    onReport: ({ missing, warnings }) => emit({ type: "capabilities", missing, warnings }),
  });
  const fleet = new Fleet({
    processId,
    coordinator,
    inbox,
    availabilityOf: deployment.availability(inbox.link),
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
  inbox.link.onStateChange((state) => {
    if (state === "up" || state === "down") emit({ type: "link", link: "inbox", state });
    if (state === "up") deployment.probeNow();
  });
  fleet.open();
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
      await Promise.race([rights.probed, late]);
      timer.cancel();
    },
    async close() {
      rights.close();
      await Promise.all([inbox.close(), deployment.close()]);
    },
  };
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
