/** Inboxes over a Redis Cluster: a channel, heard of on any node, or a list, popped where it is kept. */
import { systemClock, systemRandomness } from "@skein/core";
import { RedisCluster, waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Inbox } from "../../src/inbox/inbox.ts";
import { ListInbox } from "../../src/inbox/list-inbox.ts";
import { PubSubInbox } from "../../src/inbox/pubsub-inbox.ts";
import { formatWakeUp } from "../../src/inbox/wake-up.ts";
import { openDeployment } from "../../src/redis/deployment.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { ServerBreakers } from "../../src/redis/server-breakers.ts";
import { bytes, keys } from "./contract-fleet.ts";
import { inboxContract, type InboxContractFleet } from "./inbox-contract.ts";

const PATIENCE_MS = 20_000;
const LIST_TTL_MS = 10_000;
/** One command, which a client sends on to where the slot is going. */
const PUSH = "redis.call('LPUSH', KEYS[1], ARGV[1]) redis.call('PEXPIRE', KEYS[1], ARGV[2])";
let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster.stop());

async function start(transport: "p" | "l"): Promise<InboxContractFleet> {
  const control = cluster.client();
  const deployment = openDeployment({
    source: { cluster: cluster.nodes.map(({ host, port }) => ({ host, port })) },
    connection: {
      redisTimeoutMs: PATIENCE_MS,
      heartbeatEveryMs: PATIENCE_MS,
      silenceLimitMs: 4 * PATIENCE_MS,
      clock: systemClock,
      randomness: systemRandomness,
    },
    breakers: new ServerBreakers({
      breaker: { failures: 1, slowReplies: 5, slowMs: PATIENCE_MS, probeEveryMs: 250 },
      keys,
      processId: "p",
      clock: systemClock,
      randomness: systemRandomness,
      redisTimeoutMs: PATIENCE_MS,
      onChange: () => undefined,
    }),
    onReachable: () => undefined,
    denied: () => false,
  });
  await deployment.firstUp;
  const { servers } = deployment;
  // From always the same node: what several of them publish comes in any order.
  const [publisher] = cluster.nodes.map((node) => node.client());

  async function send(name: string, message: Uint8Array): Promise<void> {
    if (transport === "p") await publisher?.publish(name, Buffer.from(message));
    else await control.eval(PUSH, 1, name, Buffer.from(message), LIST_TTL_MS);
  }

  return {
    showsListeners: undefined,
    keepsWhileAway: transport === "l",
    member(id) {
      const name = keys.inboxPrefix + id;
      const found = deployment.inboxConnection(transport === "l" ? name : undefined);
      const connection = { ...found, connectionName: id };
      const inbox: Inbox =
        transport === "l" ? new ListInbox(name, connection) : new PubSubInbox(name, connection);
      return {
        inbox,
        coordinator: new RedisCoordinator({
          servers,
          clock: systemClock,
          processId: id,
          inboxPrefix: keys.inboxPrefix,
          transport,
          redisTimeoutMs: PATIENCE_MS,
        }),
      };
    },
    post: (id, message) => send(keys.inboxPrefix + id, message),
    async cut(id, meanwhile) {
      const name = keys.inboxPrefix + id;
      const { admin, address } = await connectionOf(id);
      // In one transaction, so that it cannot be back before they are sent.
      const transaction = admin.multi().client("KILL", "ID", address);
      for (const message of meanwhile) {
        if (transport === "p") transaction.publish(name, Buffer.from(message));
        else transaction.lpush(name, Buffer.from(message));
      }
      if (transport === "l") transaction.pexpire(name, LIST_TTL_MS);
      const replies = await transaction.exec();
      expect(replies?.map(([error]) => error)).not.toContainEqual(expect.any(Error));
    },
    async close() {
      await deployment.close();
      control.disconnect();
    },
  };
}

/** The node where an inbox is connected, and the connection's id there. */
async function connectionOf(id: string): Promise<{ admin: Redis; address: string }> {
  for (const node of cluster.nodes) {
    const admin = node.client();
    const clients = String(await admin.client("LIST"));
    const address = new RegExp(`^id=(\\d+) .* name=${id} `, "m").exec(clients)?.[1];
    if (address !== undefined) return { admin, address };
  }
  throw new Error(`no connection of ${id}`);
}

inboxContract("over pub/sub of a Redis Cluster", () => start("p"));

inboxContract("over lists in a Redis Cluster", () => start("l"));

test("a list whose slot moves is popped where it is going, and where it is then", async () => {
  const fleet = await start("l");
  const { inbox } = fleet.member("moving");
  const heard: string[] = [];
  inbox.open({
    onWakeUp: ({ outcome }) => heard.push(Buffer.from(outcome).toString()),
    onGarbage: () => undefined,
    onInboxState: () => undefined,
  });
  expect(await inbox.whenUp(systemClock.now() + PATIENCE_MS)).toBe(true);
  const name = `${keys.inboxPrefix}moving`;
  const post = async (text: string): Promise<void> => {
    await fleet.post(
      "moving",
      formatWakeUp({ kind: "settled", flightId: "f", token: "1-a-b", outcome: bytes(text) }),
    );
    await waitUntil(() => heard.includes(text), { timeoutMs: PATIENCE_MS, what: `the message "${text}"` });
  };
  const from = await cluster.nodeOf(name);
  const to = cluster.nodes.find((node) => node !== from);
  if (to === undefined) throw new Error("a cluster of one node");
  const there = async (): Promise<boolean> =>
    / name=moving .* cmd=brpop/.test(String(await to.client().client("LIST")));

  const migration = await cluster.beginMigration(name, to);
  await waitUntil(there, { timeoutMs: PATIENCE_MS, what: "the inbox at the node that the slot goes to" });
  expect(inbox.up).toBe(true);
  await post("on the way");
  await migration.finish();
  await post("there");
  expect(await there()).toBe(true);
  await inbox.close();
  await fleet.close();
});

test("a list whose slot stays after all is popped at the node that kept it", async () => {
  const fleet = await start("l");
  const { inbox } = fleet.member("staying");
  inbox.open({ onWakeUp: () => undefined, onGarbage: () => undefined, onInboxState: () => undefined });
  const name = `${keys.inboxPrefix}staying`;
  const [slot, from] = [await cluster.slotOf(name), await cluster.nodeOf(name)];
  const to = cluster.nodes.find((node) => node !== from);
  if (to === undefined) throw new Error("a cluster of one node");
  const at = (node: typeof to) => async (): Promise<boolean> =>
    / name=staying .* cmd=brpop/.test(String(await node.client().client("LIST")));
  await cluster.beginMigration(name, to);
  await waitUntil(at(to), { timeoutMs: PATIENCE_MS, what: "the inbox at the node that the slot goes to" });
  for (const node of [to, from]) await node.client().cluster("SETSLOT", slot, "STABLE");
  await waitUntil(at(from), { timeoutMs: PATIENCE_MS, what: "the inbox at the node that kept the slot" });
  await inbox.close();
  await fleet.close();
});
