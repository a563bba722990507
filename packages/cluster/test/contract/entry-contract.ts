/** What cache entries beside the flights must do, whatever keeps them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EntryQuestion, JoinReply, JoinRequest } from "../../src/coordinator.ts";
import { entryHead, parseEntry } from "../../src/entry/entry-format.ts";
import { grantOf, parseToken } from "../../src/fencing-token.ts";
import type { FlightName } from "../../src/flight-keys.ts";
import {
  bytes,
  entriesOf,
  FOR_EVER_MS,
  joins,
  newFlight,
  resigns,
  settles,
  type ContractFleet,
  type ContractMember,
} from "./contract-fleet.ts";

const TTL_MS = 600_000;
const GRACE_MS = 300_000;
const BACKOFF_MS = 20_000;

function head(id: string, graceMs: number = 0): string {
  return entryHead({ id, graceMs, ttlMs: TTL_MS, workMs: 12 });
}

export function entryContract(implementation: string, start: () => Promise<ContractFleet>): void {
  describe(`the cache entries ${implementation}`, () => {
    let fleet: ContractFleet;
    let ada: ContractMember;
    let ben: ContractMember;
    let members = 0;

    beforeAll(async () => {
      fleet = await start();
    });
    afterEach(async () => {
      await fleet.delivered();
      await fleet.elapse(FOR_EVER_MS);
      expect(await fleet.ttlsMs(), "keys left after the longest TTL").toEqual([]);
    });
    afterAll(() => fleet.close());

    async function meet(): Promise<FlightName> {
      [ada, ben] = [await fleet.member(`reader${++members}`), await fleet.member(`reader${++members}`)];
      return newFlight();
    }
    function ask(
      member: ContractMember,
      flight: FlightName,
      nonce: string,
      question: Partial<EntryQuestion> = {},
      more: Partial<JoinRequest> = {},
    ): Promise<JoinReply> {
      const entry = { seen: "", staleMs: 0, reads: true, ...question };
      return member.coordinator.join(joins(flight, nonce, { entry, ...more }));
    }
    async function elect(...asked: Parameters<typeof ask>): Promise<Extract<JoinReply, { status: "lead" }>> {
      const reply = await ask(...asked);
      expect(reply.status).toBe("lead");
      return reply as Extract<JoinReply, { status: "lead" }>;
    }
    /** One load, cached; returns its token. */
    async function load(flight: FlightName, nonce: string, graceMs: number = 0): Promise<string> {
      const { token } = await elect(ada, flight, nonce);
      const entry = { head: head(token, graceMs), ttlMs: TTL_MS + graceMs };
      expect(await ada.coordinator.settle(settles(flight, token, { entry }))).toMatchObject({
        status: "accepted",
      });
      return token;
    }
    const set = (flight: FlightName, id: string, value: string): Promise<void> =>
      entriesOf(ada.coordinator).set({
        flight,
        outcome: bytes(value),
        entry: { head: head(id), ttlMs: TTL_MS },
      });
    async function read(flight: FlightName): Promise<{ id: string; value: string } | undefined> {
      const found = await entriesOf(ben.coordinator).read(flight, 10_000);
      const entry = found === undefined ? undefined : parseEntry(found);
      return entry && { id: entry.id, value: Buffer.from(entry.envelope).toString() };
    }
    async function heard(member: ContractMember): Promise<readonly string[]> {
      await fleet.delivered();
      return member.wakeUps.map(({ kind, token }) => `${kind} ${token}`);
    }

    it("elects when there is none, and says that there is none", async () => {
      const flight = await meet();
      const reply = await elect(ada, flight, "a");
      expect(reply.entry).toEqual({ bytes: undefined, leftMs: undefined, id: undefined });
      expect(await ask(ben, flight, "b")).toMatchObject({ status: "follow", entry: { bytes: undefined } });
    });

    it("are written by an accepted settle, with the very bytes that it publishes", async () => {
      const flight = await meet();
      const token = await load(flight, "a");
      expect(await read(flight)).toEqual({ id: token, value: "outcome" });
    });

    it("end a join before any election, and are told with what is left of them", async () => {
      const flight = await meet();
      const token = await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS - 100_000);
      const reply = await ask(ben, flight, "b");
      expect(reply).toMatchObject({ status: "hit", entry: { id: token } });
      expect(reply.entry?.leftMs).toBeGreaterThan(60_000);
      expect(reply.entry?.leftMs).toBeLessThanOrEqual(100_000);
      expect(parseEntry(reply.entry?.bytes ?? bytes(""))).toMatchObject({ id: token, graceMs: GRACE_MS });
    });

    it("are brought along only if asked for", async () => {
      const flight = await meet();
      await load(flight, "a");
      expect(await ask(ben, flight, "b", { reads: false })).toMatchObject({
        status: "hit",
        entry: { bytes: undefined },
      });
    });

    it("are nobody's business who does not ask", async () => {
      const flight = await meet();
      await load(flight, "a");
      const reply = await ben.coordinator.join(joins(flight, "b"));
      expect(reply.status).toBe("lead");
      expect(reply).not.toHaveProperty("entry");
    });

    it("do not do for whoever has seen them, nor for whoever wants none", async () => {
      const flight = await meet();
      const token = await load(flight, "a");
      const renewal = await elect(ben, flight, "b", { seen: token });
      await ben.coordinator.resign(resigns(flight, renewal.token));
      await elect(ben, flight, "c", { seen: "*" });
    });

    it("past their time elect one, who is told how far past it they are", async () => {
      const flight = await meet();
      const token = await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS + 50_000);
      const reply = await elect(ben, flight, "b", { staleMs: 100_000 });
      expect(parseEntry(reply.entry?.bytes ?? bytes(""))).toMatchObject({ id: token });
      expect(reply.entry?.leftMs).toBeLessThanOrEqual(-50_000);
      expect(reply.entry?.leftMs).toBeGreaterThan(-90_000);
    });

    it("past their time do for others while one renews them, as long as those allow", async () => {
      const flight = await meet();
      await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS + 50_000);
      const elected = await elect(ada, flight, "b", { staleMs: 100_000 });
      // Asked again, as after a reply that was lost: the same answer.
      const again = await elect(ada, flight, "b", { staleMs: 100_000 });
      expect(again.token).toBe(elected.token);
      expect(again.entry?.leftMs).toBeLessThanOrEqual(-50_000);
      const made = await ask(ben, flight, "c", { staleMs: 100_000 });
      expect(made.status).toBe("hit");
      expect(made.entry?.leftMs).toBeLessThanOrEqual(-50_000);
      expect((await ask(ben, flight, "d", { staleMs: 10_000 })).status).toBe("follow");
    });

    it("past their time do not do for a follower that has waited", async () => {
      const flight = await meet();
      await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS + 50_000);
      const { token } = await elect(ada, flight, "b");
      await ask(ben, flight, "c", { staleMs: 0 });
      const again = await ask(ben, flight, "c", { staleMs: 100_000 }, { firstGrant: grantOf(token) });
      expect(again.status).toBe("follow");
    });

    it("are left alone for a while after a renewal that failed, and longer after the next one", async () => {
      const flight = await meet();
      await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS + 10_000);
      const question = { staleMs: GRACE_MS };
      for (const [attempt, pauseMs] of [BACKOFF_MS, 2 * BACKOFF_MS, 4 * BACKOFF_MS].entries()) {
        const { token } = await elect(ada, flight, `n${attempt}`, question);
        const failure = { failed: true, refreshBackoffMs: BACKOFF_MS, retainMs: 1_000 };
        await ada.coordinator.settle(settles(flight, token, failure));
        expect((await ask(ben, flight, `x${attempt}`, question)).status).toBe("hit");
        await fleet.elapse(pauseMs - 5_000);
        expect((await ask(ben, flight, `y${attempt}`, question)).status).toBe("hit");
        await fleet.elapse(5_000);
      }
      const { token } = await elect(ada, flight, "last", question);
      await ada.coordinator.resign(resigns(flight, token));
    });

    it("that failed to be renewed are renewed at once for whoever cannot use them", async () => {
      const flight = await meet();
      await load(flight, "a", GRACE_MS);
      await fleet.elapse(TTL_MS + 10_000);
      const { token } = await elect(ada, flight, "b");
      await ada.coordinator.settle(settles(flight, token, { failed: true, refreshBackoffMs: BACKOFF_MS }));
      await elect(ben, flight, "c", { staleMs: 5_000 });
    });

    it("are not written by a settle that is fenced", async () => {
      const flight = await meet();
      const { token } = await elect(ada, flight, "a");
      await ben.coordinator.forget(flight);
      const entry = { head: head(token), ttlMs: TTL_MS };
      expect(await ada.coordinator.settle(settles(flight, token, { entry }))).toEqual({ status: "fenced" });
      expect(await read(flight)).toBeUndefined();
    });

    it("are written once by a settle that is repeated", async () => {
      const flight = await meet();
      const { token } = await elect(ada, flight, "a");
      const entry = { head: head(token), ttlMs: TTL_MS };
      await ada.coordinator.settle(settles(flight, token, { entry }));
      await entriesOf(ben.coordinator).delete(flight);
      // What was deleted must not come back with a repetition that was under way.
      expect(await ada.coordinator.settle(settles(flight, token, { entry }))).toEqual({ status: "fenced" });
      expect(await read(flight)).toBeUndefined();
    });

    it("set by hand end the load in progress, which is told and can write nothing", async () => {
      const flight = await meet();
      const { token } = await elect(ada, flight, "a");
      await ask(ben, flight, "b");
      await set(flight, "0-ada-n1", "by hand");
      expect(await heard(ada)).toEqual([`forgotten ${token}`]);
      expect(await heard(ben)).toEqual([`forgotten ${token}`]);
      const entry = { head: head(token), ttlMs: TTL_MS };
      expect(await ada.coordinator.settle(settles(flight, token, { entry }))).toEqual({ status: "fenced" });
      expect(await read(flight)).toEqual({ id: "0-ada-n1", value: "by hand" });
    });

    it("set by hand do for the followers of the load that they ended", async () => {
      const flight = await meet();
      const { token } = await elect(ada, flight, "a");
      await ask(ben, flight, "b");
      await set(flight, "0-ada-n1", "by hand");
      const again = await ask(ben, flight, "b", { reads: false }, { firstGrant: grantOf(token) });
      expect(again).toMatchObject({ status: "hit", entry: { id: "0-ada-n1" } });
    });

    it("set by hand replace what was there, and the outcome that was retained", async () => {
      const flight = await meet();
      await load(flight, "a");
      await set(flight, "0-ada-n1", "by hand");
      expect(await read(flight)).toEqual({ id: "0-ada-n1", value: "by hand" });
      expect((await ben.coordinator.join(joins(flight, "b", { freshMs: 60_000 }))).status).toBe("lead");
    });

    it("deleted are gone, and so is the load in progress", async () => {
      const flight = await meet();
      await load(flight, "a");
      const { token } = await elect(ada, flight, "b", { seen: "*" });
      expect(await entriesOf(ben.coordinator).delete(flight)).toBe(true);
      expect(await read(flight)).toBeUndefined();
      const entry = { head: head(token), ttlMs: TTL_MS };
      expect(await ada.coordinator.settle(settles(flight, token, { entry }))).toEqual({ status: "fenced" });
      expect(await entriesOf(ben.coordinator).delete(flight)).toBe(false);
      const { token: next } = await elect(ben, flight, "c");
      expect(parseToken(next)?.grant).toBeGreaterThan(grantOf(token));
    });

    it("end by themselves", async () => {
      const flight = await meet();
      await load(flight, "a");
      await fleet.elapse(TTL_MS);
      expect(await read(flight)).toBeUndefined();
      await elect(ben, flight, "b");
    });
  });
}
