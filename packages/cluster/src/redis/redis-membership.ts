/** A process as a member of a fleet over one Redis, or a Redis Cluster: connections, inbox, coordinator, breakers, rights. */
import { ListInbox } from "../inbox/list-inbox.ts";
import { PubSubInbox } from "../inbox/pubsub-inbox.ts";
import type { Membership, MembershipContext } from "../membership.ts";
import type { RedisSource } from "./cluster-source.ts";
import { openDeployment } from "./deployment.ts";
import { ListOutbox } from "./list-outbox.ts";
import { RedisCoordinator } from "./redis-coordinator.ts";
import { Rights } from "./rights.ts";
import { ServerBreakers } from "./server-breakers.ts";
import type { Servers } from "./servers.ts";

const HEARTBEAT_EVERY_MS = 1_000;
/** A connection that says nothing for so long, although asked, is half-open. */
const MAX_SILENCE_MS = 2_500;
/** Longer than any honest probe; it holds nobody up but `ready()`, which has its own limit. */
const PROBE_TIMEOUT_MS = 2_000;

export interface RedisMembership extends Membership {
  readonly servers: Servers;
}

/** Starts to connect. @throws InvalidOptionError for a source that cannot be used. */
export function openRedisMembership(source: RedisSource, context: MembershipContext): RedisMembership {
  const { processId, keys, wakeup, maxWokenPerSettle, clock, randomness, redisTimeoutMs } = context;
  const { longestLeaseMs, emit } = context;
  const breakers = new ServerBreakers({
    breaker: context.breaker,
    keys,
    processId,
    clock,
    randomness,
    redisTimeoutMs,
    onChange: (state) => emit({ type: "breaker", state }),
  });
  const deployment = openDeployment({
    source,
    connection: {
      redisTimeoutMs,
      heartbeatEveryMs: HEARTBEAT_EVERY_MS,
      silenceLimitMs: Math.min(longestLeaseMs ?? MAX_SILENCE_MS, MAX_SILENCE_MS),
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
    wakeup === "list"
      ? new ListInbox(inboxName, deployment.inboxConnection(inboxName))
      : new PubSubInbox(inboxName, deployment.inboxConnection());
  const coordinator = new RedisCoordinator({
    servers,
    clock,
    processId,
    inboxPrefix,
    transport: inbox.transport,
    redisTimeoutMs,
    maxWokenPerSettle,
    outbox: new ListOutbox({
      servers,
      inboxPrefix,
      timeoutMs: redisTimeoutMs,
      onLost: (processes) => emit({ type: "wakeup-lost", processes }),
    }),
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
  inbox.link.onStateChange((state) => {
    if (state === "up" || state === "down") emit({ type: "link", link: "inbox", state });
    if (state === "up") deployment.probeNow();
  });
  return {
    servers,
    coordinator,
    inbox,
    availabilityOf: deployment.availability(inbox.link),
    probed: rights.probed,
    async close() {
      rights.close();
      await Promise.all([inbox.close(), deployment.close()]);
    },
  };
}
