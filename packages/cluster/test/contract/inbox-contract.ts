/** What every inbox promises, as claims. Run over each implementation; see the tests beside. */
import { waitUntil } from "@skein/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Coordinator } from "../../src/coordinator.ts";
import type { Inbox } from "../../src/inbox/inbox.ts";
import { formatWakeUp, type WakeUp } from "../../src/inbox/wake-up.ts";
import { bytes, joins, newFlight, settles } from "./contract-fleet.ts";

export interface InboxContractFleet {
  /** Whether others can see that somebody listens; undefined where nobody can see anything. */
  readonly showsListeners: boolean | undefined;
  /** What is sent while the connection is away comes when it is back. */
  readonly keepsWhileAway: boolean;
  /** A process with an inbox that is not open yet. */
  member(id: string): { inbox: Inbox; coordinator: Coordinator };
  post(id: string, message: Uint8Array): Promise<void>;
  /** The connection of an inbox breaks, these are sent, and it comes back. */
  cut(id: string, meanwhile: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/** Everything that an inbox told, in order. */
class Diary {
  readonly wakeUps: WakeUp[] = [];
  readonly states: boolean[] = [];
  garbage = 0;
  heardWhileDown = 0;

  onWakeUp(wakeUp: WakeUp): void {
    if (this.states.at(-1) !== true) this.heardWhileDown++;
    this.wakeUps.push(wakeUp);
  }
  onGarbage(): void {
    this.garbage++;
  }
  onInboxState(up: boolean): void {
    this.states.push(up);
  }
}

interface Member {
  readonly id: string;
  readonly inbox: Inbox;
  readonly coordinator: Coordinator;
  readonly diary: Diary;
}

const ONCE = { kind: "settled", flightId: "shop:user:1", token: "1700000000000001-a-b" } as const;

function message(text: string, more: Partial<WakeUp> = {}): Uint8Array {
  return formatWakeUp({ ...ONCE, outcome: bytes(text), ...more });
}

export function inboxContract(implementation: string, start: () => Promise<InboxContractFleet>): void {
  describe(`the inbox ${implementation}`, () => {
    let fleet: InboxContractFleet;
    const open: Inbox[] = [];
    let members = 0;

    beforeAll(async () => {
      fleet = await start();
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((inbox) => inbox.close()));
    });
    afterAll(() => fleet.close());

    async function newMember(): Promise<Member> {
      const id = `inbox${++members}`;
      const { inbox, coordinator } = fleet.member(id);
      open.push(inbox);
      const diary = new Diary();
      inbox.open(diary);
      expect(await inbox.whenUp(performance.now() + 20_000)).toBe(true);
      expect(inbox.up).toBe(true);
      return { id, inbox, coordinator, diary };
    }
    function texts(diary: Diary): readonly string[] {
      return diary.wakeUps.map(({ outcome }) => Buffer.from(outcome).toString());
    }

    test("says when it is up, and not before somebody listens", async () => {
      const { id, diary, coordinator } = await newMember();
      await waitUntil(() => diary.states.length > 0, { what: "the news that the inbox is up" });
      expect(diary.states).toEqual([true]);
      const seen = fleet.showsListeners === undefined ? undefined : [fleet.showsListeners, false];
      expect(await coordinator.listeners([id, "nobody"])).toEqual(seen);
    });

    test("delivers each message once and in order", async () => {
      const { id, diary } = await newMember();
      const sent = Array.from({ length: 200 }, (_, index) => `message ${index}`);
      for (const text of sent) await fleet.post(id, message(text));
      await waitUntil(() => diary.wakeUps.length >= sent.length, { what: "all messages" });
      expect(texts(diary)).toEqual(sent);
    });

    test("delivers arbitrary bytes as they were sent", async () => {
      const { id, diary } = await newMember();
      const outcome = Uint8Array.from({ length: 1_024 }, (_, index) => (index * 7) % 256);
      await fleet.post(id, message("", { outcome }));
      await waitUntil(() => diary.wakeUps.length === 1, { what: "the message" });
      const { kind, flightId, token } = diary.wakeUps[0]!;
      expect({ kind, flightId, token }).toEqual(ONCE);
      expect(Buffer.from(diary.wakeUps[0]!.outcome).equals(outcome)).toBe(true);
    });

    test("delivers a message of an older flight as it is: grants are compared elsewhere", async () => {
      const { id, diary } = await newMember();
      await fleet.post(id, message("newer", { token: "1700000000000009-a-b" }));
      await fleet.post(id, message("older", { token: "1700000000000001-a-b" }));
      await waitUntil(() => diary.wakeUps.length === 2, { what: "both messages" });
      expect(texts(diary)).toEqual(["newer", "older"]);
    });

    test("says when it is back, and not before; what was sent meanwhile is lost or comes after that", async () => {
      const { id, inbox, diary } = await newMember();
      await waitUntil(() => diary.states.length > 0, { what: "the news that the inbox is up" });
      await fleet.cut(id, [message("meanwhile")]);
      await waitUntil(() => diary.states.length === 3, { what: "the news that the inbox is back" });
      expect(diary.states).toEqual([true, false, true]);
      expect(inbox.up).toBe(true);
      await fleet.post(id, message("after"));
      await waitUntil(() => texts(diary).includes("after"), { what: "a message after the reconnect" });
      // What waited may be too old for some: it says that there is an outcome, whose age a join tells.
      expect(texts(diary)).toEqual(fleet.keepsWhileAway ? ["", "after"] : ["after"]);
      expect(diary.wakeUps.map(({ kind }) => kind)).toEqual(
        fleet.keepsWhileAway ? ["pointer", "settled"] : ["settled"],
      );
      expect(diary.heardWhileDown).toBe(0);
    });

    test.each([
      ["nothing at all", ""],
      ["no line feed", "1 settled shop:user:1 1700000000000001-a-b"],
      ["another version", "2 settled shop:user:1 1700000000000001-a-b\n"],
      ["an unknown kind", "1 celebrated shop:user:1 1700000000000001-a-b\n"],
      ["a missing token", "1 settled shop:user:1\n"],
      ["an empty flight", "1 settled  1700000000000001-a-b\n"],
      ["a field too many", "1 settled shop:user:1 1700000000000001-a-b x\n"],
      ["an endless header", `1 settled ${"x".repeat(5_000)} 1700000000000001-a-b\n`],
      ["binary noise", Buffer.from([0xff, 0x00, 0x0a, 0x80, 0xfe]).toString("latin1")],
    ])("counts %s as garbage and goes on", async (_what, garbage) => {
      const { id, diary } = await newMember();
      await fleet.post(id, Buffer.from(garbage, "latin1"));
      await fleet.post(id, message("sound"));
      await waitUntil(() => diary.wakeUps.length === 1, { what: "the message after the garbage" });
      expect(diary.garbage).toBe(1);
      expect(texts(diary)).toEqual(["sound"]);
    });

    test("1,000 followers are woken by one settle", { timeout: 60_000 }, async () => {
      const flight = newFlight();
      const leader = await newMember();
      const election = await leader.coordinator.join(joins(flight, "leader"));
      if (election.status !== "lead") throw new Error(`not the leader: ${election.status}`);
      const crowd = await Promise.all(Array.from({ length: 1_000 }, () => newMember()));
      await Promise.all(crowd.map(({ coordinator }) => coordinator.join(joins(flight, "follower"))));
      const { token } = election;
      const reply = await leader.coordinator.settle(settles(flight, token, { retainMs: 100 }));
      expect(reply).toEqual({ status: "accepted", woken: 1_000, unwoken: 0 });
      await waitUntil(() => crowd.every(({ diary }) => diary.wakeUps.length > 0), {
        what: "a wake-up for everybody",
      });
      const told = crowd.flatMap(({ diary }) => diary.wakeUps.map(({ kind, token: of }) => `${kind} ${of}`));
      expect(told).toHaveLength(1_000);
      expect(new Set(told)).toEqual(new Set([`settled ${token}`]));
      expect(leader.diary.wakeUps).toEqual([]);
    });

    test("once closed nobody listens to it, and it says nothing more", async () => {
      const observer = await newMember();
      const { id, inbox, diary } = await newMember();
      await waitUntil(() => diary.states.length > 0, { what: "the news that the inbox is up" });
      await inbox.close();
      await waitUntil(async () => (await observer.coordinator.listeners([id]))?.[0] !== true, {
        what: "the end of the subscription",
      });
      await fleet.post(id, message("late"));
      await fleet.post(observer.id, message("barrier"));
      await waitUntil(() => observer.diary.wakeUps.length === 1, {
        what: "a later message to another inbox",
      });
      expect(diary.states).toEqual([true]);
      expect(diary.wakeUps).toEqual([]);
      expect(inbox.up).toBe(false);
      expect(await inbox.whenUp(performance.now() + 20_000)).toBe(false);
    });
  });
}
