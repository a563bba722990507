import { systemClock, systemRandomness } from "@skein/core";
import { freePort, RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PubSubInbox } from "../../src/inbox/pubsub-inbox.ts";
import { Link, type ConnectionOptions } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { Server } from "../../src/redis/server.ts";
import { OneServer } from "../../src/redis/servers.ts";
import { keys } from "./contract-fleet.ts";
import { inboxContract } from "./inbox-contract.ts";

const PATIENCE_MS = 20_000;
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server.stop());

function connection(url: string, more: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    source: url,
    redisTimeoutMs: PATIENCE_MS,
    heartbeatEveryMs: PATIENCE_MS,
    silenceLimitMs: 4 * PATIENCE_MS,
    clock: systemClock,
    randomness: systemRandomness,
    ...more,
  };
}

inboxContract("over pub/sub", async () => {
  const control = server.client();
  const link = new Link(connection(server.url), "commands");
  const servers = new OneServer(new Server(link));
  await link.whenUp(systemClock.now() + PATIENCE_MS);
  return {
    showsListeners: true,
    keepsWhileAway: false,
    member(id) {
      const channel = keys.inboxPrefix + id;
      return {
        inbox: new PubSubInbox(channel, connection(server.url, { connectionName: id })),
        coordinator: new RedisCoordinator({
          servers,
          clock: systemClock,
          processId: id,
          inboxPrefix: keys.inboxPrefix,
          transport: "p",
          redisTimeoutMs: PATIENCE_MS,
        }),
      };
    },
    post: async (id, message) => void (await control.publish(keys.inboxPrefix + id, Buffer.from(message))),
    async cut(id, meanwhile) {
      const clients = String(await control.client("LIST"));
      const address = new RegExp(`^id=(\\d+) .* name=${id} `, "m").exec(clients)?.[1];
      if (address === undefined) throw new Error(`no connection of ${id}`);
      // In one transaction, so that it cannot be back before they are sent.
      const transaction = control.multi().client("KILL", "ID", address);
      for (const message of meanwhile) transaction.publish(keys.inboxPrefix + id, Buffer.from(message));
      const replies = await transaction.exec();
      expect(replies?.map(([, reply]) => reply)).toEqual([1, ...meanwhile.map(() => 0)]);
    },
    async close() {
      await link.close();
      control.disconnect();
    },
  };
});

test("an inbox whose server cannot be reached is not up by the deadline, and closes all the same", async () => {
  const inbox = new PubSubInbox("nowhere", connection(`redis://127.0.0.1:${await freePort()}`));
  const states: boolean[] = [];
  inbox.open({
    onWakeUp: () => undefined,
    onGarbage: () => undefined,
    onInboxState: (up) => states.push(up),
  });
  expect(await inbox.whenUp(systemClock.now() + 100)).toBe(false);
  expect(states).not.toContain(true);
  await inbox.close();
});

test("an inbox that may not subscribe is not up", async () => {
  const control = server.client();
  await control.acl("SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels");
  const inbox = new PubSubInbox("forbidden", connection(`redis://deaf:secret@127.0.0.1:${server.port}`));
  expect(await inbox.whenUp(systemClock.now() + 300)).toBe(false);
  expect(inbox.link.trouble).toBe("NOPERM");
  await inbox.close();
});
