/** The contract over one real Redis. Time passes for what the server recorded by moving every moment it wrote down. */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock, systemRandomness } from "@skein/core";
import { waitUntil, type RedisServer } from "@skein/testkit";
import type { Transport } from "../../src/coordinator.ts";
import { Link } from "../../src/redis/connection.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { ScriptRunner } from "../../src/redis/script-runner.ts";
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

export async function startRedisFleet(
  server: RedisServer,
  transport: Transport = "p",
): Promise<ContractFleet> {
  const control = server.client();
  const subscriber = server.client();
  const link = new Link(
    {
      source: server.url,
      redisTimeoutMs: PATIENCE_MS,
      heartbeatEveryMs: PATIENCE_MS,
      silenceLimitMs: 4 * PATIENCE_MS,
      clock: systemClock,
      randomness: systemRandomness,
    },
    "commands",
  );
  const runner = new ScriptRunner(link);
  const mailboxes = new Map<string, Mailbox>();
  /** Looked into when a test asks what was delivered. */
  const lists = new Map<string, Mailbox>();
  let barriers = 0;
  let barrierSeen = 0;
  subscriber.on("messageBuffer", (channel: Buffer, message: Buffer) => {
    if (channel.toString() === "barrier") barrierSeen = Number(message.toString());
    else mailboxes.get(channel.toString())?.take(message);
  });
  await subscriber.subscribe("barrier");
  if (!(await link.whenUp(systemClock.now() + PATIENCE_MS))) throw new Error("no connection to the server");

  const flightKeysOnServer = (): Promise<string[]> => control.keys("skein1:{*");
  async function age(ms: number): Promise<void> {
    const recorded = await flightKeysOnServer();
    await control.eval(AGE_SCRIPT, recorded.length, ...recorded, ms);
  }
  async function ttlsMs(): Promise<readonly number[]> {
    const recorded = await flightKeysOnServer();
    const ttls = await Promise.all(recorded.map((key) => control.pttl(key)));
    // -2: it ended while we asked.
    return ttls.filter((ttl) => ttl !== -2).map((ttl) => (ttl === -1 ? Infinity : ttl));
  }
  async function lookInto(list: string): Promise<void> {
    if (!lists.has(list)) return;
    const messages = (await control.callBuffer("RPOP", list, MAX_MESSAGES)) as Buffer[] | null;
    for (const message of messages ?? []) lists.get(list)?.take(message);
  }
  async function everyKeyEnds(): Promise<void> {
    const ttls = await Promise.all((await control.keys("skein1:*")).map((key) => control.pttl(key)));
    const endless = ttls.filter((ttl) => ttl === -1);
    if (endless.length > 0) throw new Error(`${endless.length} keys without an end`);
  }

  return {
    async member(id, own = transport) {
      const name = keys.inboxPrefix + id;
      const mailbox = new Mailbox();
      if (own === "l") lists.set(name, mailbox);
      else {
        mailboxes.set(name, mailbox);
        await subscriber.subscribe(name);
      }
      const coordinator = new RedisCoordinator({
        link,
        runner,
        clock: systemClock,
        processId: id,
        inboxPrefix: keys.inboxPrefix,
        transport: own,
        redisTimeoutMs: PATIENCE_MS,
      });
      return {
        id,
        transport: own,
        wakeUps: mailbox.wakeUps,
        coordinator: checkedCoordinator(coordinator, everyKeyEnds),
        uncheckedCoordinator: coordinator,
        disconnect: async () => {
          if (own === "p") await subscriber.unsubscribe(name);
          await lookInto(name);
          lists.delete(name);
        },
      };
    },
    elapse: age,
    setClockBack: (ms) => age(-ms),
    async delivered() {
      const barrier = ++barriers;
      await control.publish("barrier", String(barrier));
      await waitUntil(() => barrierSeen >= barrier, { what: "the barrier message", everyMs: 1 });
      await Promise.all([...lists.keys()].map(lookInto));
    },
    async tooLate(request) {
      await server.pause();
      const answered = await request().then(
        () => true,
        () => false,
      );
      // The server's clock is known to within half a round trip only.
      await sleep(CLOCK_ERROR_MS);
      await server.resume();
      if (answered) throw new Error("the request was answered in time");
      // Behind it on the same connection.
      await link.send((redis) => redis.ping(), PATIENCE_MS);
    },
    ttlsMs,
    async close() {
      await link.close();
      control.disconnect();
      subscriber.disconnect();
    },
  };
}
