import { systemClock, systemRandomness } from "@skein/core";
import { RedisServer, TcpProxy, waitUntil } from "@skein/testkit";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ListInbox } from "../../src/inbox/list-inbox.ts";
import { formatWakeUp } from "../../src/inbox/wake-up.ts";
import type { NodeSource } from "../../src/redis/connection-profile.ts";
import { Link, type ConnectionOptions } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { Server } from "../../src/redis/server.ts";
import { OneServer } from "../../src/redis/servers.ts";
import { applicationClients, closeAll } from "../connection/links.ts";
import { bytes, keys } from "./contract-fleet.ts";
import { inboxContract } from "./inbox-contract.ts";

const PATIENCE_MS = 20_000;
/** As in a process of a fleet. */
const SILENCE_LIMIT_MS = 2_500;
const TTL_MS = 10_000;

let server: RedisServer;
let control: Redis;
const open: ListInbox[] = [];

beforeAll(async () => {
  server = await RedisServer.start();
  control = server.client();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((inbox) => inbox.close()));
  await closeAll();
});
afterAll(() => server.stop());

function connection(source: NodeSource, more: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    source,
    redisTimeoutMs: PATIENCE_MS,
    heartbeatEveryMs: PATIENCE_MS,
    silenceLimitMs: 4 * PATIENCE_MS,
    clock: systemClock,
    randomness: systemRandomness,
    ...more,
  };
}

inboxContract("over a list", async () => {
  const link = new Link(connection(server.url), "commands");
  const servers = new OneServer(new Server(link));
  await link.whenUp(systemClock.now() + PATIENCE_MS);
  return {
    showsListeners: false,
    keepsWhileAway: true,
    member(id) {
      return {
        inbox: new ListInbox(keys.inboxPrefix + id, connection(server.url, { connectionName: id })),
        coordinator: new RedisCoordinator({
          servers,
          clock: systemClock,
          processId: id,
          inboxPrefix: keys.inboxPrefix,
          transport: "l",
          redisTimeoutMs: PATIENCE_MS,
        }),
      };
    },
    post: (id, message) => push(keys.inboxPrefix + id, message),
    async cut(id, meanwhile) {
      const clients = String(await control.client("LIST"));
      const address = new RegExp(`^id=(\\d+) .* name=${id} `, "m").exec(clients)?.[1];
      if (address === undefined) throw new Error(`no connection of ${id}`);
      // In one transaction, so that it cannot be back before they are sent.
      const transaction = control.multi().client("KILL", "ID", address);
      for (const message of meanwhile) transaction.lpush(keys.inboxPrefix + id, Buffer.from(message));
      transaction.pexpire(keys.inboxPrefix + id, TTL_MS);
      const replies = await transaction.exec();
      expect(replies?.map(([, reply]) => reply)).toEqual([1, ...meanwhile.map((_, index) => index + 1), 1]);
    },
    close: () => link.close(),
  };
});

/** An inbox, and what it heard. */
interface Listening {
  readonly inbox: ListInbox;
  readonly key: string;
  readonly heard: string[];
  readonly states: boolean[];
  garbage: number;
}

let count = 0;

function listen(source: NodeSource, more: Partial<ConnectionOptions> = {}): Listening {
  const key = `${keys.inboxPrefix}list${++count}`;
  const inbox = new ListInbox(
    key,
    connection(source, { silenceLimitMs: SILENCE_LIMIT_MS, heartbeatEveryMs: 1_000, ...more }),
  );
  open.push(inbox);
  const listening: Listening = { inbox, key, heard: [], states: [], garbage: 0 };
  inbox.open({
    onWakeUp: ({ flightId }) => listening.heard.push(decodeURIComponent(flightId)),
    onGarbage: () => void listening.garbage++,
    onInboxState: (up) => listening.states.push(up),
  });
  return listening;
}

async function listenUp(...options: Parameters<typeof listen>): Promise<Listening> {
  const listening = listen(...options);
  await listening.inbox.whenUp(systemClock.now() + PATIENCE_MS);
  await waitUntil(() => listening.states.length > 0);
  return listening;
}

async function push(key: string, message: Uint8Array, through: Redis = control): Promise<void> {
  await through.multi().lpush(key, Buffer.from(message)).pexpire(key, TTL_MS).exec();
}

function says(text: string): Uint8Array {
  return formatWakeUp({
    kind: "settled",
    flightId: encodeURIComponent(text),
    token: "1-a-b",
    outcome: bytes(text),
  });
}

describe.each(applicationClients)("over %s", (_name, make) => {
  test("what waits for it is delivered oldest first, and nothing is left", async () => {
    const client = make(server, { lazyConnect: true });
    const key = `${keys.inboxPrefix}list${count + 1}`;
    const sent = Array.from({ length: 300 }, (_, index) => `message ${index}`);
    for (const text of sent) await push(key, says(text));
    const { heard } = await listenUp(client);
    await waitUntil(() => heard.length >= sent.length, { what: "what waited" });
    expect(heard).toEqual(sent);
    expect(await control.exists(key)).toBe(0);
  });
});

test("while nothing comes it is not held for half-open, and asks for nothing but messages", async () => {
  const { states, heard, key } = await listenUp(server.url, { silenceLimitMs: 300 });
  const pings = async (): Promise<number> =>
    Number(/cmdstat_ping:calls=(\d+)/.exec(await control.info("commandstats"))?.[1] ?? 0);
  const before = await pings();
  const pops = async (): Promise<number> =>
    Number(/cmdstat_brpop:calls=(\d+)/.exec(await control.info("commandstats"))?.[1] ?? 0);
  const first = await pops();
  await waitUntil(async () => (await pops()) > first + 10, { what: "ten pops" });
  expect(states).toEqual([true]);
  expect(await pings()).toBe(before);
  await push(key, says("at last"));
  await waitUntil(() => heard.length > 0);
  expect(heard).toEqual(["at last"]);
});

test("a network that swallows everything is noticed, and left when it works again", async () => {
  await using proxy = await TcpProxy.start({ targetPort: server.port });
  const { states, heard, key } = await listenUp(proxy.url);
  proxy.swallow();
  await waitUntil(() => states.at(-1) === false, { what: "the end of patience", timeoutMs: PATIENCE_MS });
  proxy.pass();
  await waitUntil(() => states.at(-1) === true, { what: "the inbox to be back", timeoutMs: PATIENCE_MS });
  // The connection that nobody reads any more may still swallow some, until its last pop is over.
  await waitUntil(
    async () => {
      await push(key, says("back"));
      return heard.length > 0;
    },
    { timeoutMs: PATIENCE_MS },
  );
  expect(new Set(heard)).toEqual(new Set(["back"]));
});

test.each(["ALL", "WRITE"])(
  "a server that pauses (%s) for longer than the silence limit is survived",
  async (kind) => {
    const { states, heard, key } = await listenUp(server.url, { silenceLimitMs: 600 });
    await control.call("CLIENT", "PAUSE", "1500", kind);
    // It comes when the pause is over.
    await push(key, says("after"));
    await waitUntil(() => heard.length > 0 && states.at(-1) === true, { timeoutMs: PATIENCE_MS });
    expect(heard).toEqual(["after"]);
  },
);

test("a server that was killed and comes back is popped from again", async () => {
  await using other = await RedisServer.start();
  const { states, heard, key } = await listenUp(other.url);
  await other.kill();
  await waitUntil(() => states.at(-1) === false, { timeoutMs: PATIENCE_MS });
  await other.restart();
  await waitUntil(() => states.at(-1) === true, { timeoutMs: PATIENCE_MS });
  await push(key, says("after"), other.client());
  await waitUntil(() => heard.length > 0, { timeoutMs: PATIENCE_MS });
  expect(heard).toEqual(["after"]);
});

test("it closes without waiting for its pop, even when the server answers nothing any more", async () => {
  await using other = await RedisServer.start();
  const { inbox } = await listenUp(other.url, { silenceLimitMs: 10 * PATIENCE_MS });
  await other.pause();
  await inbox.close();
  expect(inbox.up).toBe(false);
  await other.resume();
});

test("a value of another type under its name is dropped, and counted as garbage", async () => {
  const listening = await listenUp(server.url, { silenceLimitMs: 300 });
  await control.set(listening.key, "not ours", "PX", 60_000);
  await waitUntil(async () => (await control.exists(listening.key)) === 0, { what: "the end of the string" });
  await push(listening.key, says("ours"));
  await waitUntil(() => listening.heard.length > 0);
  expect(listening).toMatchObject({ heard: ["ours"], garbage: 1, states: [true] });
});

test("an inbox that may not pop is not up", async () => {
  await control.acl("SETUSER", "deaf", "on", ">secret", "~*", "+@all", "-brpop");
  const { inbox } = listen(`redis://deaf:secret@127.0.0.1:${server.port}`);
  expect(await inbox.whenUp(systemClock.now() + 300)).toBe(false);
  expect(inbox.link.trouble).toBe("NOPERM");
});
