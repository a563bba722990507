/** Puts a process's part of the fleet together over Redis: connections, inbox, coordinator, breaker, flights. */
import { types } from "node:util";
import { InvalidArgumentError, type Observer } from "@skein/core";
import { Emitter, flightLimits, FlightTable } from "@skein/core/internal";
import { InvalidKeyError } from "./errors.ts";
import { Fleet } from "./fleet.ts";
import { flightKeys } from "./flight-keys.ts";
import { logObserver } from "./logger.ts";
import { isMembershipSource, type MembershipContext } from "./membership.ts";
import type { ClusterEvent } from "./observer.ts";
import { checkClusterOptions, type ClusterOptions } from "./options.ts";
import { Policies } from "./policy.ts";
import { newProcessId } from "./process-id.ts";
import { redisAllowanceMs } from "./redis-allowance.ts";
import { DEFAULT_MAX_WOKEN } from "./redis/redis-coordinator.ts";
import { openRedisMembership } from "./redis/redis-membership.ts";
import { Signatures } from "./signatures.ts";

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
  const given = flightLimits<ClusterEvent>(coreOptions(options));
  const policies = new Policies(options);
  const limits = {
    ...given,
    keyPrefixOf: (key: string) => policies.find(key)?.prefix ?? given.keyPrefixOf(key),
  };
  const { namespace = "default", redisTimeoutMs = 250, hashKeys = false, maxKeyBytes = 1_024 } = options;
  const allowanceMs = redisAllowanceMs(redisTimeoutMs);
  const { clock, randomness } = limits;
  const emitter = new Emitter<ClusterEvent>(observersOf(options));
  const table = new FlightTable(limits, emitter);
  const keys = flightKeys({ namespace, maxKeyBytes, hashKeys });
  const processId = newProcessId(randomness);
  const emit = (event: ClusterEvent): void => {
    if (emitter.active) emitter.emit(event);
  };

  const context: MembershipContext = {
    processId,
    keys,
    wakeup: options.wakeup ?? "pubsub",
    maxWokenPerSettle: options.maxWokenPerSettle ?? DEFAULT_MAX_WOKEN,
    breaker: {
      failures: 1,
      slowReplies: 5,
      slowMs: Math.ceil(redisTimeoutMs * 0.8),
      probeEveryMs: 250,
      ...options.breaker,
    },
    clock,
    randomness,
    redisTimeoutMs: allowanceMs,
    longestLeaseMs: policies.longestLeaseMs,
    emit,
  };
  const { redis } = options;
  const membership = isMembershipSource(redis)
    ? redis.openMembership(context)
    : openRedisMembership(redis, context);
  const fleet = new Fleet({
    processId,
    coordinator: membership.coordinator,
    inbox: membership.inbox,
    availabilityOf: membership.availabilityOf,
    keys,
    clock,
    randomness,
    table,
    emitter,
    redisTimeoutMs: allowanceMs,
    pollEveryMs: options.pollEveryMs ?? 1_000,
    deathGraceMs: options.deathGraceMs ?? 400,
    signatures: signaturesOf(options),
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
      await Promise.race([membership.probed, late]);
      timer.cancel();
    },
    close: () => membership.close(),
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
function coreOptions(options: ClusterOptions): object {
  const {
    maxEntries,
    maxAgeMs,
    onFull,
    maxWaiters,
    timeoutMs,
    detectReentry,
    observer,
    keyPrefixOf,
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
    keyPrefixOf,
    exposeKeys,
    clock,
    randomness,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function observersOf({ observer, logger }: ClusterOptions): readonly Observer<ClusterEvent>[] {
  const given = observer === undefined ? [] : "onEvent" in observer ? [observer] : [...observer];
  return logger === undefined ? given : [...given, logObserver(logger)];
}
