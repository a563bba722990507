/** The contract over one real Redis, or a Redis Cluster. Time passes for what the server recorded by moving every moment it wrote down. */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, systemRandomness } from "@skein/core";
import { waitUntil, type RedisCluster, type RedisServer } from "@skein/testkit";
import type { Cluster, Redis } from "ioredis";
import type { Coordinator, Transport } from "../../src/coordinator.ts";
import type { Availability } from "../../src/fleet.ts";
import type { Inbox } from "../../src/inbox/inbox.ts";
import { QuorumCoordinator } from "../../src/quorum/quorum-coordinator.ts";
import { QuorumNode } from "../../src/quorum/quorum-node.ts";
import type { NodeSource } from "../../src/redis/connection-profile.ts";
import { Link, type ConnectionOptions } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { Server } from "../../src/redis/server.ts";
import { OneServer, type Servers } from "../../src/redis/servers.ts";
import { openClusterServers } from "./open-cluster-servers.ts";
import { checkedCoordinator, keys, Mailbox, type ContractFleet } from "./contract-fleet.ts";

const PATIENCE_MS = 20_000;
const CLOCK_ERROR_MS = 250;
const MAX_MESSAGES = 10_000;

/** KEYS: flights and leases. ARGV[1]: ms by which everything recorded grows older; negative when the clock goes back. */
const AGE_SCRIPT = `
local ms = tonumber(ARGV[1])
for _, key in ipairs(KEYS) do
  local ttl = redis.call('PTTL', key)
  if redis.call('TYPE', key).ok == 'hash' then
    for _, field in ipairs({ 'settledAt', 'abandonedUntil', 'refreshAfter' }) do
      local us = redis.call('HGET', key, field)
      if us then redis.call('HSET', key, field, string.format('%.0f', us - ms * 1000)) end
    end
    local grant = redis.call('HGET', key, 'grant')
    if grant and ms < 0 then redis.call('HSET', key, 'grant', string.format('%.0f', grant - ms * 1000)) end
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.sub(field, 1, 2) == 'f:' then
        local transport, followed, expiry = string.match(redis.call('HGET', key, field), '^(%a) (%d+) (%d+)$')
        redis.call('HSET', key, field, transport .. ' ' .. followed .. ' ' .. string.format('%.0f', expiry - ms))
      end
    end
  end
  if ttl >= 0 then
    if ttl - ms <= 0 then redis.call('DEL', key) else redis.call('PEXPIRE', key, ttl - ms) end
  end
end
return redis.status_reply('OK')`;

/** Where a fleet is kept. */
interface RedisPlace {
  readonly nodes: readonly RedisServer[];
  /** Finds every key; where each server has keys of its own, all of them. */
  readonly controls: readonly (Redis | Cluster)[];
  readonly seesListeners: boolean;
  coordinator(processId: string, transport: Transport): Coordinator;
  readonly links: () => readonly Link[];
  up(): Promise<void>;
  close(): Promise<void>;
}

const connection: Omit<ConnectionOptions, "source"> = {
  redisTimeoutMs: PATIENCE_MS,
  heartbeatEveryMs: PATIENCE_MS,
  silenceLimitMs: 4 * PATIENCE_MS,
  clock: systemClock,
  randomness: systemRandomness,
};

function onePlace(redis: RedisServer, source: NodeSource): RedisPlace {
  const link = new Link({ ...connection, source }, "commands");
  return {
    nodes: [redis],
    controls: [redis.client()],
    seesListeners: true,
    coordinator: coordinatorOver(new OneServer(new Server(link))),
    links: () => [link],
    async up() {
      if (!(await link.whenUp(systemClock.now() + PATIENCE_MS))) {
        throw new Error("no connection to the server");
      }
    },
    close: () => link.close(),
  };
}

function clusterPlace(cluster: RedisCluster): RedisPlace {
  const servers = openClusterServers(cluster, connection);
  return {
    nodes: cluster.nodes,
    controls: [cluster.client()],
    seesListeners: false,
    coordinator: coordinatorOver(servers),
    links: () => servers.links(),
    up: async () => void (await waitUntil(() => servers.reachable, { what: "connections to all nodes" })),
    close: () => servers.close(),
  };
}

/** Each server has everything; who asks one over its link is always free to. */
function quorumPlace(redis: readonly RedisServer[]): RedisPlace {
  const places = redis.map((server) => onePlace(server, server.url));
  return {
    nodes: redis,
    controls: places.flatMap(({ controls }) => controls),
    seesListeners: false,
    coordinator(processId, transport) {
      const nodes = places.map((place) => {
        const [link] = place.links();
        const servers = new OneServer(new Server(link ?? raise("no link")));
        const inbox: Inbox = { transport, up: true, open() {}, whenUp: async () => true, async close() {} };
        const membership = {
          servers,
          coordinator: coordinatorOver(servers)(processId, transport),
          inbox,
          availabilityOf: () => alwaysAvailable,
          probed: Promise.resolve(),
          async close() {},
        };
        return new QuorumNode(membership, PATIENCE_MS);
      });
      const clock = systemClock;
      const randomness = systemRandomness;
      return new QuorumCoordinator({ nodes, clock, randomness, redisTimeoutMs: PATIENCE_MS });
    },
    links: () => places.flatMap((place) => place.links()),
    up: async () => void (await Promise.all(places.map((place) => place.up()))),
    close: async () => void (await Promise.all(places.map((place) => place.close()))),
  };
}

const alwaysAvailable: Availability = {
  obstacle: () => undefined,
  peek: () => undefined,
  whenUp: () => Promise.resolve(true),
  up: true,
  succeeded() {},
  failed: () => ({ reason: "timeout", sent: true }),
};

function coordinatorOver(servers: Servers): RedisPlace["coordinator"] {
  return (processId, transport) =>
    new RedisCoordinator({
      servers,
      clock: systemClock,
      processId,
      inboxPrefix: keys.inboxPrefix,
      transport,
      redisTimeoutMs: PATIENCE_MS,
    });
}

export function startQuorumFleet(servers: readonly RedisServer[]): Promise<ContractFleet> {
  return startFleet(quorumPlace(servers), "p");
}

/** `source`: how the server is reached, if not by its URL. */
export function startRedisFleet(
  server: RedisServer,
  transport: Transport = "p",
  source: NodeSource = server.url,
): Promise<ContractFleet> {
  return startFleet(onePlace(server, source), transport);
}

export function startClusterFleet(cluster: RedisCluster, transport: Transport = "p"): Promise<ContractFleet> {
  return startFleet(clusterPlace(cluster), transport);
}

async function startFleet(place: RedisPlace, transport: Transport): Promise<ContractFleet> {
  const { controls, nodes, seesListeners } = place;
  const admins = nodes.map((node) => node.client());
  // Messages go to every node of a Redis Cluster, and on independent servers only to those who ask there.
  const subscribers = (controls.length > 1 ? nodes : nodes.slice(0, 1)).map((node) => node.client());
  const mailboxes = new Map<string, Mailbox>();
  /** Looked into when a test asks what was delivered. */
  const lists = new Map<string, Mailbox>();
  let barriers = 0;
  let barriersSeen = 0;
  for (const subscriber of subscribers) {
    subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
      if (channel.toString() === "barrier") barriersSeen++;
      else mailboxes.get(channel.toString())?.take(message);
    });
    await subscriber.subscribe("barrier");
  }
  await place.up();

  const keysLike = async (pattern: string): Promise<{ key: string; control: Redis | Cluster }[]> => {
    const found = await Promise.all(
      admins.map(async (admin, index) => {
        const control = controls[index] ?? controls[0] ?? raise("no control");
        return (await admin.keys(pattern)).map((key) => ({ key, control }));
      }),
    );
    return found.flat();
  };
  const flightKeysOnServer = (): ReturnType<typeof keysLike> => keysLike("skein1:{*");
  async function age(ms: number): Promise<void> {
    const recorded = await flightKeysOnServer();
    // One by one, since they need not share a slot.
    await Promise.all(recorded.map(({ key, control }) => control.eval(AGE_SCRIPT, 1, key, ms)));
  }
  async function ttlsMs(): Promise<readonly number[]> {
    const recorded = await flightKeysOnServer();
    const ttls = await Promise.all(recorded.map(({ key, control }) => control.pttl(key)));
    // -2: it ended while we asked.
    return ttls.filter((ttl) => ttl !== -2).map((ttl) => (ttl === -1 ? Infinity : ttl));
  }
  async function lookInto(list: string): Promise<void> {
    if (!lists.has(list)) return;
    for (const control of controls) {
      const messages = (await control.callBuffer("RPOP", list, MAX_MESSAGES)) as Buffer[] | null;
      for (const message of messages ?? []) lists.get(list)?.take(message);
    }
  }
  async function everyKeyEnds(): Promise<void> {
    const ttls = await Promise.all((await keysLike("skein1:*")).map(({ key, control }) => control.pttl(key)));
    const endless = ttls.filter((ttl) => ttl === -1);
    if (endless.length > 0) throw new Error(`${endless.length} keys without an end`);
  }

  return {
    seesListeners,
    async member(id, own = transport) {
      const name = keys.inboxPrefix + id;
      const mailbox = new Mailbox();
      if (own === "l") lists.set(name, mailbox);
      else {
        mailboxes.set(name, mailbox);
        await Promise.all(subscribers.map((subscriber) => subscriber.subscribe(name)));
      }
      const coordinator = place.coordinator(id, own);
      return {
        id,
        transport: own,
        wakeUps: mailbox.wakeUps,
        coordinator: checkedCoordinator(coordinator, everyKeyEnds),
        uncheckedCoordinator: coordinator,
        disconnect: async () => {
          if (own === "p") await Promise.all(subscribers.map((subscriber) => subscriber.unsubscribe(name)));
          await lookInto(name);
          lists.delete(name);
        },
      };
    },
    elapse: age,
    setClockBack: (ms) => age(-ms),
    async delivered() {
      // From every node: what one of them sent before has arrived with its barrier.
      barriers += admins.length;
      await Promise.all(admins.map((admin) => admin.publish("barrier", "")));
      await waitUntil(() => barriersSeen >= barriers, { what: "the barrier messages", everyMs: 1 });
      await Promise.all([...lists.keys()].map(lookInto));
    },
    async tooLate(request) {
      await Promise.all(nodes.map((node) => node.pause()));
      const answered = await request().then(
        () => true,
        () => false,
      );
      // The server's clock is known to within half a round trip only.
      await sleep(CLOCK_ERROR_MS);
      await Promise.all(nodes.map((node) => node.resume()));
      if (answered) throw new Error("the request was answered in time");
      // Behind it on the same connection.
      await Promise.all(place.links().map((link) => link.send((redis) => redis.ping(), PATIENCE_MS)));
    },
    ttlsMs,
    async close() {
      await place.close();
      for (const client of [...admins, ...controls, ...subscribers]) client.disconnect();
    },
  };
}

function raise(message: string): never {
  throw new Error(message);
}
