/** A process that leads very many flights keeps all of them. */
import { systemClock } from "@skein/core";
import { RedisServer } from "@skein/testkit";
import { afterEach, expect, it } from "vitest";
import type { RenewReply, RenewRequest } from "../../src/coordinator.ts";
import { flightKeys } from "../../src/flight-keys.ts";
import { LeaseKeeper, type RenewalAnswer } from "../../src/lease-keeper.ts";
import { RedisCoordinator } from "../../src/redis/redis-coordinator.ts";
import { Server } from "../../src/redis/server.ts";
import { OneServer } from "../../src/redis/servers.ts";
import { closeAll, GENEROUS_MS, openUp } from "../connection/links.ts";

const LEASES = 10_000;
const TERMS = { leaseMs: 30_000, renewEveryMs: 1_000 };
/** Far less than all renewals together take. Those of one batch may fail in it, too: they are tried again, in time. */
const RENEWAL_TIMEOUT_MS = 100;
const ROUNDS = 3;

afterEach(() => closeAll());

it("ten thousand leases are renewed again and again, and not one is counted as lost", async () => {
  await using redis = await RedisServer.start();
  const link = await openUp(redis.url);
  const { flight: nameOf, inboxPrefix } = flightKeys({
    namespace: "many",
    maxKeyBytes: 100,
    hashKeys: false,
  });
  const coordinator = (redisTimeoutMs: number): RedisCoordinator =>
    new RedisCoordinator({
      servers: new OneServer(new Server(link)),
      clock: systemClock,
      processId: "me",
      inboxPrefix,
      transport: "p",
      redisTimeoutMs,
    });
  const joining = coordinator(GENEROUS_MS);
  const renewing = coordinator(RENEWAL_TIMEOUT_MS);
  const keeper = new LeaseKeeper<RenewRequest, RenewalAnswer & { reply: RenewReply }>(
    systemClock,
    async (requests) =>
      (await renewing.renew(requests)).map((reply) =>
        reply instanceof Error ? reply : { holds: reply.status === "held", reply },
      ),
  );
  const renewals = new Map<string, number>();
  const lost: string[] = [];
  const terms = { ...TERMS, maxTakeovers: 2, abandonMs: 1, freshMs: 0, registrationMs: 1, takesOver: true };
  await Promise.all(
    Array.from({ length: LEASES }, async (_, index) => {
      const flight = nameOf(String(index));
      const request = { ...terms, flight, firstGrant: undefined, withinMs: GENEROUS_MS };
      const sentAt = systemClock.now();
      const reply = await joining.join({ ...request, nonce: `n${index}` });
      if (reply.status !== "lead") throw new Error(`the join was answered with ${reply.status}`);
      keeper.hold({ flight, token: reply.token, ...TERMS, maxTakeovers: 2 }, TERMS, sentAt, {
        onRenewed: () => void renewals.set(flight.id, (renewals.get(flight.id) ?? 0) + 1),
        onLost: () => lost.push(flight.id),
        onExpired: () => lost.push(flight.id),
      });
    }),
  );
  await expect
    .poll(() => [...renewals.values()].filter((count) => count >= ROUNDS).length, {
      timeout: 2 * TERMS.leaseMs,
      interval: 200,
    })
    .toBe(LEASES);
  expect(lost).toEqual([]);
  expect(keeper.size).toBe(LEASES);
}, 120_000);
