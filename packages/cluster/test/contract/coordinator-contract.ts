/** What every coordinator promises, as claims. Run over each implementation; see the tests beside. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { JoinReply, Transport } from "../../src/coordinator.ts";
import { grantOf, parseToken } from "../../src/fencing-token.ts";
import type { FlightName } from "../../src/flight-keys.ts";
import {
  ABANDON_MS,
  bytes,
  FOR_EVER_MS,
  joins,
  LEASE_MS,
  MAX_TAKEOVERS,
  newFlight,
  REGISTRATION_MS,
  renews,
  resigns,
  RETAIN_MS,
  settles,
  type ContractFleet,
  type ContractMember,
} from "./contract-fleet.ts";

type Reply<S extends JoinReply["status"]> = Extract<JoinReply, { status: S }>;

/** In what implementations may differ, and say so. */
export interface CoordinatorTraits {
  /** Leaders are replaced on evidence of their death, before their leases end. */
  readonly deposes: boolean;
  /** Outcomes come along with wake-ups; otherwise they are fetched. */
  readonly outcomesTravel: boolean;
  /** Independent servers, each of which has everything and tells everybody. */
  readonly servers: number;
}

const ONE: CoordinatorTraits = { deposes: true, outcomesTravel: true, servers: 1 };

export function coordinatorContract(
  implementation: string,
  start: () => Promise<ContractFleet>,
  traits: CoordinatorTraits = ONE,
): void {
  const settled = traits.outcomesTravel ? "settled" : "pointer";

  describe(`the coordinator ${implementation}`, () => {
    let fleet: ContractFleet;
    let ada: ContractMember;
    let ben: ContractMember;
    let cyd: ContractMember;
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

    async function newMember(transport?: Transport): Promise<ContractMember> {
      return fleet.member(`member${++members}`, transport);
    }
    async function meet(...transports: Transport[]): Promise<FlightName> {
      const [first, second, third] = transports;
      [ada, ben, cyd] = [await newMember(first), await newMember(second), await newMember(third)];
      return newFlight();
    }
    async function lead(
      member: ContractMember,
      ...request: Parameters<typeof joins>
    ): Promise<Reply<"lead">> {
      const reply = await member.coordinator.join(joins(...request));
      expect(reply.status).toBe("lead");
      return reply as Reply<"lead">;
    }
    async function follow(
      member: ContractMember,
      ...request: Parameters<typeof joins>
    ): Promise<Reply<"follow">> {
      const reply = await member.coordinator.join(joins(...request));
      expect(reply.status).toBe("follow");
      return reply as Reply<"follow">;
    }
    async function join(member: ContractMember, ...request: Parameters<typeof joins>): Promise<JoinReply> {
      return member.coordinator.join(joins(...request));
    }
    async function renew(member: ContractMember, flight: FlightName, token: string): Promise<unknown> {
      const [reply] = await member.coordinator.renew(renews(flight, token));
      return reply;
    }
    /** Everything that reached a member since it was last asked, as "kind token". */
    async function heard(member: ContractMember): Promise<readonly string[]> {
      await fleet.delivered();
      const all = member.wakeUps.map(({ kind, token }) => `${kind} ${token}`);
      (member.wakeUps as unknown[]).length = 0;
      // What several servers say is said once.
      return traits.servers > 1 ? [...new Set(all)] : all;
    }
    /** Leaders die one after the other until the flight is given up; the last reply is that of the one who noticed. */
    async function kill(flight: FlightName, deaths: number): Promise<readonly string[]> {
      const tokens: string[] = [];
      for (let death = 0; death < deaths; death++) {
        tokens.push((await lead(ada, flight, `victim${death}`)).token);
        await fleet.elapse(LEASE_MS + 1);
      }
      return tokens;
    }

    describe("elections", () => {
      test("of 50 processes that join at once one leads and the others follow it", async () => {
        const flight = await meet();
        const crowd = await Promise.all(Array.from({ length: 50 }, () => newMember()));
        const replies = await Promise.all(crowd.map((member) => join(member, flight, "n")));
        const leaders = replies.filter((reply) => reply.status === "lead");
        expect(leaders).toHaveLength(1);
        const { token } = leaders[0]!;
        const followed = replies.flatMap((reply) => (reply.status === "follow" ? [reply.token] : []));
        expect(followed).toEqual(Array.from({ length: 49 }, () => token));
      });

      test("a token names its process and its attempt", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "first");
        expect(parseToken(token)).toEqual({ grant: grantOf(token), process: ada.id, nonce: "first" });
        expect(grantOf(token)).toBeGreaterThan(0);
      });

      test("the same attempt, sent again, leads again under the same token", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        expect(await join(ada, flight, "a")).toEqual({ status: "lead", token, takeovers: 0 });
        // Another attempt of the same process is another participant, and so is the same nonce of another process.
        expect((await follow(ada, flight, "b")).token).toBe(token);
        expect((await follow(ben, flight, "a")).token).toBe(token);
      });

      test("a follower is told token, beat, rest of the lease and how the leader is woken", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS / 2);
        const first = await follow(ben, flight, "b");
        expect(first).toMatchObject({ token, beat: "0", leaderTransport: ada.transport });
        expect(first.remainingMs).toBeLessThanOrEqual(LEASE_MS / 2);
        expect(first.remainingMs).toBeGreaterThan(0);
        await renew(ada, flight, token);
        await renew(ada, flight, token);
        const second = await follow(ben, flight, "b");
        expect(second.beat).toBe("2");
        expect(second.remainingMs).toBeGreaterThan(LEASE_MS / 2);
      });

      test("a follower is told the leader's lease, not its own, and what a renewal makes of it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        expect(await follow(ben, flight, "b", { leaseMs: LEASE_MS / 2 })).toMatchObject({
          leaderLeaseMs: LEASE_MS,
        });
        await ada.coordinator.renew(
          renews(flight, token).map((each) => ({ ...each, leaseMs: LEASE_MS * 3 })),
        );
        expect(await follow(ben, flight, "b")).toMatchObject({ token, leaderLeaseMs: LEASE_MS * 3 });
      });

      test("grants grow with elections, even when the server's clock goes back", async () => {
        const flight = await meet();
        const grants: number[] = [];
        for (let election = 0; election < 4; election++) {
          const { token } = await lead(ada, flight, `n${election}`);
          grants.push(grantOf(token));
          await ada.coordinator.settle(settles(flight, token));
          if (election === 1) await fleet.setClockBack(3_600_000);
        }
        expect(grants).toEqual(grants.toSorted((one, other) => one - other));
        expect(new Set(grants).size).toBe(4);
      });

      test("a follower that outlived what the server knew is elected above the grant that it followed", async () => {
        const flight = await meet();
        // Of a server whose clock was an hour ahead.
        const firstGrant = grantOf((await lead(ada, newFlight(), "elsewhere")).token) + 3_600_000_000;
        const { token } = await lead(ben, flight, "b", { firstGrant });
        expect(grantOf(token)).toBeGreaterThan(firstGrant);
        await follow(cyd, flight, "c", { firstGrant });
        await ben.coordinator.settle(settles(flight, token));
        expect(await join(cyd, flight, "c", { firstGrant })).toMatchObject({ status: "settled", token });
      });

      test("a join that arrives too late writes nothing", async () => {
        const flight = await meet();
        await lead(ben, newFlight(), "acquaintance");
        await fleet.tooLate(() => ben.uncheckedCoordinator.join(joins(flight, "late", { withinMs: 50 })));
        expect(await ben.coordinator.resign({ ...resigns(flight, ""), claim: { nonce: "late" } })).toEqual({
          status: "fenced",
        });
        expect((await lead(ada, flight, "a")).takeovers).toBe(0);
        expect(await renew(ada, flight, (await lead(ada, flight, "a")).token)).toEqual({
          status: "held",
          followers: 0,
        });
      });
    });

    describe("outcomes", () => {
      test("the holder's outcome is accepted and sent to every follower once", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await follow(ben, flight, "b2");
        await follow(cyd, flight, "c");
        const reply = await ada.coordinator.settle(settles(flight, token));
        expect(reply).toEqual({ status: "accepted", woken: 3, unwoken: 0 });
        await fleet.delivered();
        for (const member of [ben, cyd]) {
          expect(
            member.wakeUps.map(({ outcome, ...rest }) => ({
              ...rest,
              outcome: Buffer.from(outcome).toString(),
            })),
          ).toEqual([
            { kind: settled, flightId: flight.id, token, outcome: traits.outcomesTravel ? "outcome" : "" },
          ]);
        }
        expect(await heard(ada)).toEqual([]);
      });

      test("an outcome of arbitrary bytes arrives as it was sent", async () => {
        const flight = await meet();
        const outcome = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { outcome }));
        await fleet.delivered();
        const travelled = traits.outcomesTravel ? outcome : new Uint8Array();
        expect(Buffer.from(ben.wakeUps[0]!.outcome).equals(travelled)).toBe(true);
        const retained = await join(ben, flight, "b", { firstGrant: grantOf(token) });
        expect(retained).toMatchObject({ status: "settled", token });
        expect(Buffer.from((retained as Reply<"settled">).outcome).equals(outcome)).toBe(true);
      });

      test("an empty outcome is an outcome", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { outcome: new Uint8Array() }));
        expect(await heard(ben)).toEqual([`${settled} ${token}`]);
        expect(await join(ben, flight, "b", { firstGrant: grantOf(token) })).toMatchObject({
          status: "settled",
        });
      });

      test("the last holder's outcome is accepted although its lease has ended, while nobody was elected since", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(LEASE_MS + 1);
        expect(await ada.coordinator.settle(settles(flight, token))).toMatchObject({
          status: "accepted",
          woken: 1,
        });
      });

      test("it is refused once a successor was elected, and leaves the successor alone", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        const successor = await lead(ben, flight, "b");
        expect(successor.takeovers).toBe(1);
        expect(await ada.coordinator.settle(settles(flight, token))).toEqual({ status: "fenced" });
        expect(await renew(ben, flight, successor.token)).toEqual({ status: "held", followers: 0 });
        expect(await ben.coordinator.settle(settles(flight, successor.token))).toMatchObject({
          status: "accepted",
        });
        // And once the successor has settled, too.
        expect(await ada.coordinator.settle(settles(flight, token))).toEqual({ status: "fenced" });
        const kept = await join(cyd, flight, "c", { firstGrant: grantOf(token) });
        expect(kept).toMatchObject({ status: "settled", token: successor.token });
      });

      test("a settle sent again is ALREADY, changes nothing, and what was said first stands", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token, { outcome: bytes("first") }));
        const again = await ada.coordinator.settle(settles(flight, token, { outcome: bytes("second") }));
        expect(again).toEqual({ status: "already", woken: 0, unwoken: 0 });
        const kept = (await join(ben, flight, "b", { firstGrant: grantOf(token) })) as Reply<"settled">;
        expect(Buffer.from(kept.outcome).toString()).toBe("first");
      });

      test("a newcomer gets no outcome, unless it takes one of its age", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token));
        await fleet.elapse(20_000);
        const fresh = (await join(ben, flight, "b", { freshMs: 60_000 })) as Reply<"settled">;
        expect(fresh).toMatchObject({ status: "settled", token });
        expect(fresh.ageMs).toBeGreaterThanOrEqual(20_000);
        expect(fresh.ageMs).toBeLessThan(60_000);
        expect((await lead(cyd, flight, "c", { freshMs: 20_000 })).token).not.toBe(token);
      });

      test("an outcome from the future is fresh to nobody, and its age is out of reach", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token));
        await fleet.setClockBack(3_600_000);
        const owed = (await join(ben, flight, "b", { firstGrant: grantOf(token) })) as Reply<"settled">;
        expect(owed.ageMs).toBeGreaterThan(FOR_EVER_MS);
        await lead(cyd, flight, "c", { freshMs: RETAIN_MS });
      });

      test("an error is for followers; no newcomer gets it, however fresh", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { failed: true }));
        expect(await heard(ben)).toEqual([`${settled} ${token}`]);
        expect(await join(ben, flight, "b", { firstGrant: grantOf(token) })).toMatchObject({
          status: "settled",
          token,
        });
        await lead(cyd, flight, "c", { freshMs: RETAIN_MS });
      });

      test("an outcome that cannot be shared is told to followers and newcomers while it is retained", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { unshareable: true }));
        expect(await heard(ben)).toEqual([`${settled} ${token}`]);
        expect(await join(ben, flight, "b", { firstGrant: grantOf(token) })).toMatchObject({
          status: "settled",
          token,
        });
        expect(await join(cyd, flight, "c")).toMatchObject({ status: "settled", token });
        await fleet.elapse(RETAIN_MS + 1);
        await lead(cyd, flight, "c2");
      });

      test("a follower gets the outcome of the flight it first followed even after a later election", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { outcome: bytes("first") }));
        const later = await lead(cyd, flight, "c");
        const missed = (await join(ben, flight, "b", { firstGrant: grantOf(token) })) as Reply<"settled">;
        expect(missed).toMatchObject({ status: "settled", token });
        expect(Buffer.from(missed.outcome).toString()).toBe("first");
        // Whoever came only for the later flight follows that one.
        expect(await follow(ben, flight, "b2", { firstGrant: grantOf(later.token) })).toMatchObject({
          token: later.token,
        });
        // And one that has seen nothing so far is served by the outcome of a later flight, too.
        await cyd.coordinator.settle(settles(flight, later.token, { outcome: bytes("second") }));
        expect(await join(ada, flight, "x", { firstGrant: grantOf(token) })).toMatchObject({
          token: later.token,
        });
      });

      test("a follower that took a retained outcome is no longer registered", async () => {
        const flight = await meet();
        const first = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, first.token));
        const second = await lead(cyd, flight, "c");
        await follow(ben, flight, "b");
        expect(await join(ben, flight, "b", { firstGrant: grantOf(first.token) })).toMatchObject({
          status: "settled",
        });
        expect(await renew(cyd, flight, second.token)).toEqual({ status: "held", followers: 0 });
      });

      test("retention ends", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token));
        const ttls = await fleet.ttlsMs();
        expect(ttls).toHaveLength(traits.servers);
        expect(ttls[0]).toBeLessThanOrEqual(RETAIN_MS);
        await fleet.elapse(RETAIN_MS + 1);
        await lead(ben, flight, "b", { firstGrant: grantOf(token) });
      });
    });

    describe("wake-ups", () => {
      test("an outcome above the inline size is fetched by its followers", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { outcome: bytes("12345"), inlineMaxBytes: 4 }));
        expect(await heard(ben)).toEqual([`pointer ${token}`]);
        expect(await join(ben, flight, "b", { firstGrant: grantOf(token) })).toMatchObject({
          status: "settled",
          token,
        });
      });

      test(`an outcome of exactly the inline size ${traits.outcomesTravel ? "travels" : "is fetched"}`, async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.settle(settles(flight, token, { outcome: bytes("1234"), inlineMaxBytes: 4 }));
        expect(await heard(ben)).toEqual([`${settled} ${token}`]);
      });

      test("a crowd is sent an outcome only while followers x bytes stay within 2 MiB", async () => {
        await meet();
        const outcome = new Uint8Array(16_384);
        for (const [followers, kind] of [
          [128, settled],
          [129, "pointer"],
        ] as const) {
          const flight = newFlight();
          const { token } = await lead(ada, flight, "a");
          const crowd = Array.from({ length: followers }, (_, index) => joins(flight, `n${index}`));
          await Promise.all(crowd.map((request) => ben.uncheckedCoordinator.join(request)));
          const reply = await ada.coordinator.settle(settles(flight, token, { outcome }));
          expect(reply).toEqual({ status: "accepted", woken: followers, unwoken: 0 });
          expect(await heard(ben)).toEqual([`${kind} ${token}`]);
        }
      });

      test("one settle wakes up to 1,000 followers; settling again wakes the rest", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const crowd = Array.from({ length: 1_003 }, (_, index) => joins(flight, `n${index}`));
        await Promise.all(crowd.map((request) => ben.uncheckedCoordinator.join(request)));
        await follow(cyd, flight, "c");
        const first = await ada.coordinator.settle(settles(flight, token));
        expect(first).toEqual({ status: "accepted", woken: 1_000, unwoken: 4 });
        const second = await ada.coordinator.settle(settles(flight, token));
        expect(second).toEqual({ status: "already", woken: 4, unwoken: 0 });
        expect(await heard(cyd)).toEqual([`${settled} ${token}`]);
      });

      test("followers of a later election are not woken by an earlier outcome told again", async () => {
        const flight = await meet();
        const first = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, first.token));
        await lead(cyd, flight, "c");
        await follow(ben, flight, "b");
        expect(await ada.coordinator.settle(settles(flight, first.token))).toEqual({
          status: "already",
          woken: 0,
          unwoken: 0,
        });
        expect(await heard(ben)).toEqual([]);
      });

      test("a successor's outcome wakes those who registered under its predecessor", async () => {
        const flight = await meet();
        await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(LEASE_MS + 1);
        const successor = await lead(cyd, flight, "c");
        expect(await cyd.coordinator.settle(settles(flight, successor.token))).toMatchObject({ woken: 1 });
        expect(await heard(ben)).toEqual([`${settled} ${successor.token}`]);
      });
    });

    describe("renewals", () => {
      test("a renewal keeps the lease and counts the live followers", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        for (let renewal = 0; renewal < 3; renewal++) {
          await follow(ben, flight, "b");
          await fleet.elapse(REGISTRATION_MS / 2 + 10_000);
          expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 1 });
        }
        expect((await follow(cyd, flight, "c")).token).toBe(token);
      });

      test("a follower that came to lead does not count as its own follower", async () => {
        const flight = await meet();
        await lead(ada, flight, "a");
        // For so long that it would still count.
        await follow(ben, flight, "b", { registrationMs: 4 * LEASE_MS });
        await fleet.elapse(LEASE_MS + 1);
        const { token } = await lead(ben, flight, "b");
        expect(await renew(ben, flight, token)).toEqual({ status: "held", followers: 0 });
      });

      test("a registration that was not refreshed in time does not count", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(REGISTRATION_MS / 2);
        await follow(cyd, flight, "c");
        await fleet.elapse(REGISTRATION_MS / 2 + 1);
        expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 1 });
      });

      test("a lapsed lease is created again when nobody was elected since", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 0 });
        expect((await follow(ben, flight, "b")).remainingMs).toBeGreaterThan(LEASE_MS / 2);
      });

      test("a leader that was succeeded is fenced, and its successor is not disturbed", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        const successor = await lead(ben, flight, "b");
        expect(await renew(ada, flight, token)).toEqual({ status: "fenced" });
        expect((await follow(cyd, flight, "c")).token).toBe(successor.token);
      });

      test("a leader that settled or resigned is fenced", async () => {
        const flight = await meet();
        const first = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, first.token));
        expect(await renew(ada, flight, first.token)).toEqual({ status: "fenced" });
        const second = await lead(ada, flight, "a2");
        await ada.coordinator.resign(resigns(flight, second.token));
        expect(await renew(ada, flight, second.token)).toEqual({ status: "fenced" });
      });

      test("one batch renews many flights, each on its own", async () => {
        const flight = await meet();
        const [held, fenced, unknown] = [flight, newFlight(), newFlight()];
        const { token } = await lead(ada, held, "a");
        const old = await lead(ada, fenced, "a");
        await ada.coordinator.resign(resigns(fenced, old.token));
        const requests = [renews(held, token), renews(fenced, old.token), renews(unknown, token)].flat();
        const replies = await ada.coordinator.renew(requests);
        expect(replies).toEqual([
          { status: "held", followers: 0 },
          { status: "fenced" },
          { status: "fenced" },
        ]);
      });
    });

    describe("deaths", () => {
      test("a death is counted once, however many come to see it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const firstGrant = grantOf(token);
        await fleet.elapse(LEASE_MS + 1);
        expect(await join(ben, flight, "b", { firstGrant, takesOver: false })).toEqual({ status: "lost" });
        expect(await join(ben, flight, "b", { firstGrant, takesOver: false })).toEqual({ status: "lost" });
        expect((await lead(cyd, flight, "c", { firstGrant })).takeovers).toBe(1);
      });

      test.each(["renew", "settle", "resign"] as const)(
        "a later %s of that leader withdraws it, once",
        async (sign) => {
          const flight = await meet();
          const { token } = await lead(ada, flight, "a");
          await fleet.elapse(LEASE_MS + 1);
          const successor = await lead(ben, flight, "b");
          expect(successor.takeovers).toBe(1);
          for (let time = 0; time < 2; time++) {
            if (sign === "renew") await renew(ada, flight, token);
            if (sign === "settle") await ada.coordinator.settle(settles(flight, token));
            if (sign === "resign") await ada.coordinator.resign(resigns(flight, token));
          }
          expect(await join(ben, flight, "b")).toMatchObject({ status: "lead", takeovers: 0 });
          await fleet.elapse(LEASE_MS + 1);
          expect((await lead(cyd, flight, "c")).takeovers).toBe(1);
        },
      );

      test("a leader that came back from its presumed death may be presumed dead again", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        const firstGrant = grantOf(token);
        expect(await join(ben, flight, "b", { firstGrant, takesOver: false })).toEqual({ status: "lost" });
        expect(await renew(ada, flight, token)).toMatchObject({ status: "held" });
        expect(await join(ada, flight, "a")).toMatchObject({ status: "lead", takeovers: 0 });
        await fleet.elapse(LEASE_MS + 1);
        expect((await lead(cyd, flight, "c")).takeovers).toBe(1);
      });

      test("a settled flight has lost nobody", async () => {
        const flight = await meet();
        await kill(flight, 2);
        const { token, takeovers } = await lead(ben, flight, "b");
        expect(takeovers).toBe(2);
        await ben.coordinator.settle(settles(flight, token));
        expect((await lead(cyd, flight, "c")).takeovers).toBe(0);
      });

      test("a follower that does not take over is told that its leader is lost; a newcomer takes over", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(LEASE_MS + 1);
        const firstGrant = grantOf(token);
        expect(await join(ben, flight, "b", { firstGrant, takesOver: false })).toEqual({ status: "lost" });
        const { token: successor } = await lead(cyd, flight, "c", { takesOver: false });
        // It is no longer registered.
        expect(await renew(cyd, flight, successor)).toEqual({ status: "held", followers: 0 });
      });

      test("no follower is told that its leader is lost while the lease runs, or after it resigned", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        const request = { firstGrant: grantOf(token), takesOver: false };
        await follow(ben, flight, "b", request);
        await ada.coordinator.resign(resigns(flight, token));
        await lead(ben, flight, "b", request);
      });
    });

    const deposes = (
      token: string,
      beat: string,
      evidence: "beat" | "inbox",
    ): Parameters<typeof joins>[2] => ({
      firstGrant: grantOf(token),
      depose: { token, beat, evidence },
    });

    describe("deposing", () => (traits.deposes ? deposing() : nobodyIsDeposed()));

    function deposing(): void {
      test("a leader whose beat stands still is deposed, and counts as a death", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const { beat } = await follow(ben, flight, "b");
        const successor = await lead(ben, flight, "b", deposes(token, beat, "beat"));
        expect(successor.takeovers).toBe(1);
        expect(await renew(ada, flight, token)).toEqual({ status: "fenced" });
      });

      test("a beat in between refuses it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const { beat } = await follow(ben, flight, "b");
        await ada.disconnect();
        await renew(ada, flight, token);
        for (const evidence of ["beat", "inbox"] as const) {
          expect(await follow(ben, flight, "b", deposes(token, beat, evidence))).toMatchObject({
            token,
            beat: "1",
          });
        }
      });

      test("another token refuses it", async () => {
        const flight = await meet();
        const first = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(resigns(flight, first.token));
        const second = await lead(cyd, flight, "c");
        expect((await follow(ben, flight, "b", deposes(first.token, "0", "beat"))).token).toBe(second.token);
      });

      test("an empty inbox is evidence only while it is empty, and never where it cannot be seen", async () => {
        const flight = await meet("p", "p");
        const { token } = await lead(ada, flight, "a");
        const { beat } = await follow(ben, flight, "b");
        if (!fleet.seesListeners) {
          await ada.disconnect();
          expect(await ben.coordinator.listeners([ada.id])).toBeUndefined();
          expect((await follow(ben, flight, "b", deposes(token, beat, "inbox"))).token).toBe(token);
          return;
        }
        expect(await ben.coordinator.listeners([ada.id, ben.id, "nobody"])).toEqual([true, true, false]);
        expect((await follow(ben, flight, "b", deposes(token, beat, "inbox"))).token).toBe(token);
        await ada.disconnect();
        expect(await ben.coordinator.listeners([ada.id, ben.id])).toEqual([false, true]);
        expect((await lead(ben, flight, "b", deposes(token, beat, "inbox"))).takeovers).toBe(1);
      });

      test("the inbox of a leader that has a list is no evidence", async () => {
        const flight = await meet("l");
        const { token } = await lead(ada, flight, "a");
        const { beat } = await follow(ben, flight, "b");
        await ada.disconnect();
        expect((await follow(ben, flight, "b", deposes(token, beat, "inbox"))).token).toBe(token);
        expect((await lead(ben, flight, "b", deposes(token, beat, "beat"))).takeovers).toBe(1);
      });

      test("of many who depose the same leader one succeeds it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const crowd = Array.from({ length: 20 }, (_, index) =>
          joins(flight, `n${index}`, deposes(token, "0", "beat")),
        );
        const replies = await Promise.all(crowd.map((request) => ben.coordinator.join(request)));
        expect(replies.filter(({ status }) => status === "lead")).toHaveLength(1);
        expect(replies.filter(({ status }) => status === "follow")).toHaveLength(19);
      });

      test("a deposed leader may still renew or settle while nobody was elected", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        const request = { ...deposes(token, "0", "beat"), takesOver: false };
        expect(await join(ben, flight, "b", request)).toEqual({ status: "lost" });
        expect(await renew(ada, flight, token)).toMatchObject({ status: "held" });
        expect(await join(ben, flight, "b", { ...request, ...deposes(token, "1", "beat") })).toEqual({
          status: "lost",
        });
        expect(await ada.coordinator.settle(settles(flight, token))).toMatchObject({ status: "accepted" });
      });
    }

    function nobodyIsDeposed(): void {
      test.each(["beat", "inbox"] as const)(
        "no evidence of a death deposes anybody (%s)",
        async (evidence) => {
          const flight = await meet("p", "p");
          const { token } = await lead(ada, flight, "a");
          const { beat } = await follow(ben, flight, "b");
          await ada.disconnect();
          expect((await follow(ben, flight, "b", deposes(token, beat, evidence))).token).toBe(token);
        },
      );
    }

    describe("abandonment", () => {
      test("after maxTakeovers the flight is abandoned for abandonMs, for followers and newcomers", async () => {
        const flight = await meet();
        const tokens = await kill(flight, MAX_TAKEOVERS + 1);
        const first = (await join(ben, flight, "b", {
          firstGrant: grantOf(tokens[0]!),
        })) as Reply<"abandoned">;
        expect(first).toEqual({
          status: "abandoned",
          takeovers: MAX_TAKEOVERS + 1,
          retryAfterMs: ABANDON_MS,
        });
        await fleet.elapse(ABANDON_MS - 50_000);
        const second = (await join(cyd, flight, "c")) as Reply<"abandoned">;
        expect(second).toMatchObject({ status: "abandoned", takeovers: MAX_TAKEOVERS + 1 });
        expect(second.retryAfterMs).toBeLessThanOrEqual(50_000);
        expect(second.retryAfterMs).toBeGreaterThan(0);
      });

      test("later refusals do not extend it", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS + 1);
        await join(ben, flight, "b");
        const [before] = await fleet.ttlsMs();
        for (let time = 0; time < 5; time++) {
          await fleet.elapse(1_000);
          expect(await join(ben, flight, `b${time}`)).toMatchObject({ status: "abandoned" });
        }
        const [after] = await fleet.ttlsMs();
        expect(before! - after!).toBeGreaterThanOrEqual(5_000);
        expect(after).toBeGreaterThan(ABANDON_MS - 50_000);
      });

      test("nobody is refused while the last leader that was admitted holds its lease", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS);
        const { token, takeovers } = await lead(ada, flight, "last");
        expect(takeovers).toBe(MAX_TAKEOVERS);
        expect((await follow(ben, flight, "b")).token).toBe(token);
        expect((await follow(cyd, flight, "c")).token).toBe(token);
      });

      test("afterwards one probe is admitted, whose death starts another abandonMs, and so on", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS + 1);
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned" });
        for (let probe = 0; probe < 3; probe++) {
          await fleet.elapse(ABANDON_MS + 1);
          const { token, takeovers } = await lead(ben, flight, `probe${probe}`);
          // It succeeds nobody: takeovers never exceed their limit.
          expect(takeovers).toBe(MAX_TAKEOVERS);
          expect((await follow(cyd, flight, `c${probe}`)).token).toBe(token);
          await fleet.elapse(LEASE_MS + 1);
          expect(await join(cyd, flight, `c${probe}`)).toEqual({
            status: "abandoned",
            takeovers: MAX_TAKEOVERS + 1,
            retryAfterMs: ABANDON_MS,
          });
        }
      });

      test("also when a follower that does not take over is the first to find the probe lost", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS + 1);
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned" });
        await fleet.elapse(ABANDON_MS + 1);
        const { token } = await lead(ben, flight, "probe");
        await follow(cyd, flight, "c");
        await fleet.elapse(LEASE_MS + 1);
        const lost = await join(cyd, flight, "c", { firstGrant: grantOf(token), takesOver: false });
        expect(lost).toEqual({ status: "lost" });
        expect(await join(ada, flight, "a")).toEqual({
          status: "abandoned",
          takeovers: MAX_TAKEOVERS + 1,
          retryAfterMs: ABANDON_MS,
        });
      });

      test("a probe that settles ends it", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS + 1);
        await join(ben, flight, "b");
        await fleet.elapse(ABANDON_MS + 1);
        const { token } = await lead(ben, flight, "probe");
        await ben.coordinator.settle(settles(flight, token));
        expect((await lead(cyd, flight, "c")).takeovers).toBe(0);
      });

      test("a sign of life of the last leader ends it", async () => {
        const flight = await meet();
        const tokens = await kill(flight, MAX_TAKEOVERS + 1);
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned" });
        expect(await renew(ada, flight, tokens.at(-1)!)).toMatchObject({ status: "held" });
        expect((await follow(ben, flight, "b")).token).toBe(tokens.at(-1));
      });

      test("a sign of life of an earlier leader makes room for one more", async () => {
        const flight = await meet();
        const tokens = await kill(flight, MAX_TAKEOVERS + 1);
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned" });
        expect(await ada.coordinator.settle(settles(flight, tokens[0]!))).toEqual({ status: "fenced" });
        expect((await lead(ben, flight, "b")).takeovers).toBe(MAX_TAKEOVERS);
      });

      test("it is forgotten on demand", async () => {
        const flight = await meet();
        await kill(flight, MAX_TAKEOVERS + 1);
        await join(ben, flight, "b");
        expect(await ben.coordinator.forget(flight)).toBe(true);
        expect((await lead(cyd, flight, "c")).takeovers).toBe(0);
      });

      test("with maxTakeovers 0 one death is enough", async () => {
        const flight = await meet();
        await lead(ada, flight, "a", { maxTakeovers: 0 });
        await fleet.elapse(LEASE_MS + 1);
        expect(await join(ben, flight, "b", { maxTakeovers: 0 })).toMatchObject({
          status: "abandoned",
          takeovers: 1,
        });
      });
    });

    describe("resigning", () => {
      test("frees the place, wakes the followers and keeps their registrations", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await follow(cyd, flight, "c");
        expect(await ada.coordinator.resign(resigns(flight, token))).toEqual({ status: "resigned" });
        expect(await heard(ben)).toEqual([`resigned ${token}`]);
        expect(await heard(cyd)).toEqual([`resigned ${token}`]);
        const successor = await lead(ben, flight, "b", { firstGrant: grantOf(token) });
        expect(successor.takeovers).toBe(0);
        // cyd has not joined again, and is served all the same.
        expect(await ben.coordinator.settle(settles(flight, successor.token))).toMatchObject({ woken: 1 });
        expect(await heard(cyd)).toEqual([`${settled} ${successor.token}`]);
      });

      test("leaves nothing when nobody follows", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.resign(resigns(flight, token));
        expect(await fleet.ttlsMs()).toEqual([]);
      });

      test("leaves nothing when all followers have gone away without a word", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(REGISTRATION_MS + 1);
        await ada.coordinator.resign(resigns(flight, token));
        expect(await fleet.ttlsMs()).toEqual([]);
      });

      test("leaves an earlier outcome that may still be asked for, and nothing else", async () => {
        const flight = await meet();
        const first = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, first.token));
        await kill(flight, 2);
        const last = await lead(ada, flight, "a3");
        await ada.coordinator.resign(resigns(flight, last.token));
        const owed = await join(ben, flight, "b", { firstGrant: grantOf(first.token) });
        expect(owed).toMatchObject({ status: "settled", token: first.token });
        expect((await lead(ben, flight, "b2")).takeovers).toBe(0);
      });

      test("counts as a takeover only when it is meant to, and may abandon the flight", async () => {
        const flight = await meet();
        let expected = 0;
        for (const countsAsTakeover of [false, true, false, true]) {
          const { token, takeovers } = await lead(ada, flight, `a${expected}${countsAsTakeover}`);
          expect(takeovers).toBe(expected);
          await follow(ben, flight, "b");
          await ada.coordinator.resign(resigns(flight, token, { countsAsTakeover }));
          if (countsAsTakeover) expected++;
        }
        const { token } = await lead(ada, flight, "last");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(resigns(flight, token, { countsAsTakeover: true }));
        expect(await join(ben, flight, "b", { firstGrant: grantOf(token) })).toEqual({
          status: "abandoned",
          takeovers: MAX_TAKEOVERS + 1,
          retryAfterMs: ABANDON_MS,
        });
        // A probe that resigns for the same reason starts another abandonMs.
        await fleet.elapse(ABANDON_MS + 1);
        const probe = await lead(cyd, flight, "probe");
        await follow(ben, flight, "b");
        await cyd.coordinator.resign(resigns(flight, probe.token, { countsAsTakeover: true }));
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned", retryAfterMs: ABANDON_MS });
      });

      test("is refused to a leader that was succeeded", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        const successor = await lead(ben, flight, "b");
        expect(await ada.coordinator.resign(resigns(flight, token))).toEqual({ status: "fenced" });
        expect((await follow(cyd, flight, "c")).token).toBe(successor.token);
      });

      test("a resigned leader's outcome is refused", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(resigns(flight, token));
        expect(await ada.coordinator.settle(settles(flight, token))).toEqual({ status: "fenced" });
      });
    });

    describe("unwanted work", () => {
      const offer = (flight: FlightName, token: string): ReturnType<typeof resigns> =>
        resigns(flight, token, { ifUnwanted: true });

      test("a leader resigns if nobody waits", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        expect(await ada.coordinator.resign(offer(flight, token))).toEqual({ status: "resigned" });
      });

      test("while followers wait it is told how many, and goes on", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await follow(cyd, flight, "c");
        expect(await ada.coordinator.resign(offer(flight, token))).toEqual({
          status: "wanted",
          followers: 2,
        });
        expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 2 });
        expect(await ada.coordinator.settle(settles(flight, token))).toMatchObject({
          status: "accepted",
          woken: 2,
        });
      });

      test("when the last of them leaves, the leader is told", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await follow(cyd, flight, "c");
        await ada.coordinator.resign(offer(flight, token));
        await ben.coordinator.leave({ flight, nonce: "b" });
        expect(await heard(ada)).toEqual([]);
        await cyd.coordinator.leave({ flight, nonce: "c" });
        expect(await heard(ada)).toEqual([`unwanted ${token}`]);
        expect(await ada.coordinator.resign(offer(flight, token))).toEqual({ status: "resigned" });
        expect(await heard(ada)).toEqual([]);
      });

      test("a leader that has not asked is not told", async () => {
        const flight = await meet();
        await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ben.coordinator.leave({ flight, nonce: "b" });
        expect(await heard(ada)).toEqual([]);
      });

      test("a new registration takes the mark away; refreshing an old one does not", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(offer(flight, token));
        await follow(ben, flight, "b", { firstGrant: grantOf(token) });
        await ben.coordinator.leave({ flight, nonce: "b" });
        expect(await heard(ada)).toEqual([`unwanted ${token}`]);
        await follow(ben, flight, "b2");
        await ben.coordinator.leave({ flight, nonce: "b2" });
        expect(await heard(ada)).toEqual([]);
      });

      test("followers that have gone away without a word do not keep work alive", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await fleet.elapse(REGISTRATION_MS + 1);
        expect(await ada.coordinator.resign(offer(flight, token))).toEqual({ status: "resigned" });
      });

      test("a join given up as a follower counts as leaving", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(offer(flight, token));
        expect(await ben.coordinator.resign(resigns(flight, "", { claim: { nonce: "b" } }))).toEqual({
          status: "fenced",
        });
        expect(await heard(ada)).toEqual([`unwanted ${token}`]);
      });

      test("leaving a flight that nobody knows does nothing", async () => {
        const flight = await meet();
        await ben.coordinator.leave({ flight, nonce: "b" });
        expect(await fleet.ttlsMs()).toEqual([]);
      });
    });

    describe("joins whose reply never came", () => {
      test("are resigned by their nonce, whether they led or followed", async () => {
        const flight = await meet();
        await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        const { token } = (await join(ada, flight, "a")) as Reply<"lead">;
        expect(await ben.coordinator.resign(resigns(flight, "", { claim: { nonce: "b" } }))).toEqual({
          status: "fenced",
        });
        expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 0 });
        expect(await ada.coordinator.resign(resigns(flight, "", { claim: { nonce: "a" } }))).toEqual({
          status: "resigned",
        });
        expect((await lead(ben, flight, "b2")).takeovers).toBe(0);
      });

      test("are adopted by a local run, which settles by their nonce", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        const request = settles(flight, "", { claim: { nonce: "a" } });
        expect(await ada.coordinator.settle(request)).toEqual({ status: "accepted", woken: 1, unwoken: 0 });
        expect(await heard(ben)).toEqual([`${settled} ${token}`]);
        expect(await ada.coordinator.settle(request)).toMatchObject({ status: "already" });
      });

      test("are adopted also when their lease has ended and nobody was elected since", async () => {
        const flight = await meet();
        await lead(ada, flight, "a");
        await fleet.elapse(LEASE_MS + 1);
        const request = settles(flight, "", { claim: { nonce: "a" } });
        expect(await ada.coordinator.settle(request)).toMatchObject({ status: "accepted" });
      });

      test.each(["settle", "resign"] as const)(
        "are no deaths once they %s, although succeeded",
        async (sign) => {
          const flight = await meet();
          await lead(ada, flight, "a");
          await fleet.elapse(LEASE_MS + 1);
          expect((await lead(ben, flight, "b")).takeovers).toBe(1);
          const claim = { nonce: "a" };
          for (let time = 0; time < 2; time++) {
            const reply =
              sign === "settle"
                ? await ada.coordinator.settle(settles(flight, "", { claim }))
                : await ada.coordinator.resign(resigns(flight, "", { claim }));
            expect(reply).toEqual({ status: "fenced" });
          }
          expect(await join(ben, flight, "b")).toMatchObject({ status: "lead", takeovers: 0 });
        },
      );

      test("that only followed, or never arrived, settle nothing", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        for (const nonce of ["b", "never"]) {
          expect(await ben.coordinator.settle(settles(flight, "", { claim: { nonce } }))).toEqual({
            status: "fenced",
          });
        }
        expect(await renew(ada, flight, token)).toEqual({ status: "held", followers: 0 });
        // The nonce of another process is not ours.
        expect(await ben.coordinator.settle(settles(flight, "", { claim: { nonce: "a" } }))).toEqual({
          status: "fenced",
        });
      });
    });

    describe("a fleet that is woken in both ways", () => {
      test.each([["p"], ["l"]] as const)(
        "hears all there is to hear, whoever leads (%s)",
        async (transport) => {
          const flight = await meet(transport, "p", "l");
          const first = await lead(ada, flight, "a");
          await follow(ben, flight, "b");
          await follow(cyd, flight, "c");
          await ada.coordinator.resign(resigns(flight, first.token, { ifUnwanted: true }));
          await ben.coordinator.leave({ flight, nonce: "b" });
          await cyd.coordinator.leave({ flight, nonce: "c" });
          expect(await heard(ada)).toEqual([`unwanted ${first.token}`]);
          await follow(ben, flight, "b");
          await follow(cyd, flight, "c");
          await cyd.coordinator.forget(flight);
          for (const member of [ada, ben, cyd]) {
            expect(await heard(member)).toEqual([`forgotten ${first.token}`]);
          }
          const second = await lead(ada, flight, "a2");
          await ada.coordinator.resign(resigns(flight, second.token));
          for (const member of [ben, cyd]) expect(await heard(member)).toEqual([`resigned ${second.token}`]);
          const third = await lead(ada, flight, "a3");
          await ada.coordinator.settle(settles(flight, third.token));
          for (const member of [ben, cyd]) expect(await heard(member)).toEqual([`${settled} ${third.token}`]);
          expect(await heard(ada)).toEqual([]);
        },
      );

      test.each([
        ["p", "settled first"],
        // Whoever pushes does not have that outcome: it has to be fetched.
        ["l", "pointer "],
      ] as const)("never hears the outcome of a repeated settle (%s)", async (transport, heardAgain) => {
        const flight = await meet("l", transport);
        const { token } = await lead(ada, flight, "a");
        const crowd = Array.from({ length: 1_001 }, (_, index) => joins(flight, `n${index}`));
        await Promise.all(crowd.map((request) => ben.uncheckedCoordinator.join(request)));
        await ada.coordinator.settle(settles(flight, token, { outcome: bytes("first") }));
        const again = settles(flight, token, { outcome: bytes("other") });
        expect(await ada.coordinator.settle(again)).toEqual({ status: "already", woken: 1, unwoken: 0 });
        await fleet.delivered();
        const told = ben.wakeUps.map(({ kind, outcome }) => `${kind} ${Buffer.from(outcome).toString()}`);
        expect(told).toEqual(
          traits.outcomesTravel ? ["settled first", heardAgain] : ["pointer ", "pointer "],
        );
        const fetched = await join(ben, flight, "b", { firstGrant: grantOf(token) });
        expect(fetched).toMatchObject({ status: "settled", outcome: bytes("first") });
      });
    });

    describe("forgetting", () => {
      test("drops lease, token and outcome and tells the followers and the leader", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        expect(await cyd.coordinator.forget(flight)).toBe(true);
        expect(await heard(ada)).toEqual([`forgotten ${token}`]);
        expect(await heard(ben)).toEqual([`forgotten ${token}`]);
        const successor = await lead(ben, flight, "b", { firstGrant: grantOf(token) });
        expect(successor.takeovers).toBe(0);
        expect(await ada.coordinator.settle(settles(flight, token))).toEqual({ status: "fenced" });
      });

      test("the leader learns it from its next renewal, even after a successor was elected", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await cyd.coordinator.forget(flight);
        expect(await renew(ada, flight, token)).toEqual({ status: "forgotten" });
        await lead(ben, flight, "b");
        expect(await renew(ada, flight, token)).toEqual({ status: "forgotten" });
      });

      test("keeps the grant, so that tokens go on growing", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await fleet.setClockBack(3_600_000);
        await cyd.coordinator.forget(flight);
        expect(grantOf((await lead(ben, flight, "b")).token)).toBeGreaterThan(grantOf(token));
      });

      test("drops a retained outcome, also for those who were owed it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token));
        expect(await cyd.coordinator.forget(flight)).toBe(true);
        await lead(ben, flight, "b", { firstGrant: grantOf(token), freshMs: RETAIN_MS });
      });

      test("a settle sent again after it is refused", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.settle(settles(flight, token));
        await cyd.coordinator.forget(flight);
        expect(await ada.coordinator.settle(settles(flight, token))).toEqual({ status: "fenced" });
      });

      test("lifts an abandonment that leaders brought about which outlived their time, and says so", async () => {
        const flight = await meet();
        for (let death = 0; death <= MAX_TAKEOVERS; death++) {
          const { token } = await lead(ada, flight, `a${death}`);
          await follow(ben, flight, "b");
          await ada.coordinator.resign(resigns(flight, token, { countsAsTakeover: true }));
        }
        expect(await join(ben, flight, "b")).toMatchObject({ status: "abandoned" });
        expect(await cyd.coordinator.forget(flight)).toBe(true);
        expect(await join(ben, flight, "b")).toMatchObject({ status: "lead", takeovers: 0 });
      });

      test("is false when there is nothing to forget", async () => {
        const flight = await meet();
        expect(await cyd.coordinator.forget(flight)).toBe(false);
        const { token } = await lead(ada, flight, "a");
        await ada.coordinator.resign(resigns(flight, token));
        expect(await cyd.coordinator.forget(flight)).toBe(false);
        expect(await heard(ada)).toEqual([]);
      });

      test("followers that registered before a leader resigned are not lost by it", async () => {
        const flight = await meet();
        const { token } = await lead(ada, flight, "a");
        await follow(ben, flight, "b");
        await ada.coordinator.resign(resigns(flight, token));
        await cyd.coordinator.forget(flight);
        const successor = await lead(cyd, flight, "c");
        await cyd.coordinator.settle(settles(flight, successor.token));
        expect(await heard(ben)).toEqual([`resigned ${token}`, `${settled} ${successor.token}`]);
      });
    });
  });
}
