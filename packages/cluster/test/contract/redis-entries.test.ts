import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { entryHead } from "../../src/entry/entry-format.ts";
import { bytes, entriesOf, joins, newFlight } from "./contract-fleet.ts";
import { entryContract } from "./entry-contract.ts";
import { startRedisFleet } from "./redis-contract-fleet.ts";

let server: RedisServer;
let flushing: NodeJS.Timeout | undefined;

beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(async () => {
  clearInterval(flushing);
  await server.stop();
});

entryContract("over one Redis", () => startRedisFleet(server));

entryContract("over one Redis, for processes with lists", () => startRedisFleet(server, "l"));

it.each(["somebody else's text", "skein-entry/2 1 x 0 0 0 0\nx", "", "skein-entry/1 12"])(
  "%j under the name of an entry counts as none",
  async (foreign) => {
    const fleet = await startRedisFleet(server);
    const { coordinator } = await fleet.member(`odd${Math.random().toString(36).slice(2)}`);
    const flight = newFlight();
    const control = server.client();
    await control.set(flight.entryKey, foreign, "PX", 60_000);
    const entry = { seen: "", staleMs: 60_000, reads: true };
    const reply = await coordinator.join(joins(flight, "a", { entry }));
    expect(reply).toMatchObject({ status: "lead", entry: { leftMs: undefined } });
    await control.del(flight.entryKey);
    await fleet.close();
  },
);

it("a list under the name of an entry is no entry, and is replaced", async () => {
  const fleet = await startRedisFleet(server);
  const { uncheckedCoordinator: coordinator } = await fleet.member("listener");
  const flight = newFlight();
  const control = server.client();
  await control.rpush(flight.entryKey, "a");
  const entry = { seen: "", staleMs: 0, reads: true };
  expect(await coordinator.join(joins(flight, "a", { entry }))).toMatchObject({
    status: "lead",
    entry: { bytes: undefined },
  });
  expect(await control.exists(flight.entryKey)).toBe(0);
  await control.rpush(flight.entryKey, "a");
  const head = entryHead({ id: "0-x-y", graceMs: 0, ttlMs: 60_000, workMs: 0 });
  await entriesOf(coordinator).set({ flight, outcome: bytes("v"), entry: { head, ttlMs: 60_000 } });
  expect(await control.type(flight.entryKey)).toBe("string");
  await fleet.close();
});

entryContract("over a Redis that keeps forgetting its scripts", async () => {
  const control = server.client();
  flushing = setInterval(() => void control.script("FLUSH").catch(() => undefined), 3);
  return startRedisFleet(server);
});
