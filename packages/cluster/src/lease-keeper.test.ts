import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { LeaseKeeper, type RenewalAnswer } from "./lease-keeper.ts";

const TERMS = { leaseMs: 1_000, renewEveryMs: 200 };

/** A keeper whose coordinator answers as the test says. */
function keeping(answer: (subject: string) => boolean | Error) {
  const clock = new FakeClock();
  const batches: string[][] = [];
  const keeper = new LeaseKeeper<string, RenewalAnswer>(clock, async (subjects) => {
    batches.push([...subjects]);
    return subjects.map((subject) => {
      const holds = answer(subject);
      return holds instanceof Error ? holds : { holds };
    });
  });
  const told: string[] = [];
  const hold = (subject: string, terms = TERMS) =>
    keeper.hold(subject, terms, clock.now(), {
      onRenewed: () => told.push(`${subject} renewed`),
      onLost: () => told.push(`${subject} lost`),
      onExpired: () => told.push(`${subject} expired`),
    });
  return { clock, keeper, batches, told, hold };
}

describe("a lease", () => {
  it("shorter than its renewal interval is never renewed", async () => {
    const { clock, batches, hold } = keeping(() => true);
    const lease = hold("a");
    await clock.advance(100);
    expect(lease.state).toBe("held");
    lease.release();
    await clock.advance(5_000);
    expect(batches).toEqual([]);
  });

  it("is renewed as long as it is held", async () => {
    const { clock, told, hold } = keeping(() => true);
    const lease = hold("a");
    const start = clock.now();
    await clock.advance(1_050);
    expect(lease.state).toBe("renewed");
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(lease.deadline).toBeGreaterThan(start + 1_000);
    expect(lease.deadline).toBeLessThanOrEqual(clock.now() + 1_000);
    expect(lease.hasExpired()).toBe(false);
  });

  it("lasts from the moment the request for it left, however long the answer takes", async () => {
    const clock = new FakeClock();
    const open: PromiseWithResolvers<void>[] = [];
    const keeper = new LeaseKeeper<string, RenewalAnswer>(clock, async (subjects) => {
      const gate = Promise.withResolvers<void>();
      open.push(gate);
      await gate.promise;
      return subjects.map(() => ({ holds: true }));
    });
    const grantedAt = clock.now();
    const lease = keeper.hold("a", TERMS, grantedAt, { onRenewed() {}, onLost() {}, onExpired() {} });
    await clock.advance(TERMS.renewEveryMs + 700);
    // It is overdue by then: the next request leaves at once, and is not answered.
    open.shift()?.resolve();
    await clock.advance(0);
    expect(lease.state).toBe("renewed");
    expect(lease.deadline).toBe(grantedAt + TERMS.renewEveryMs + TERMS.leaseMs);
  });

  it("is lost when the coordinator says so, once and for all", async () => {
    const { clock, keeper, told, hold } = keeping(() => false);
    const lease = hold("a");
    await clock.advance(5_000);
    expect(lease.state).toBe("lost");
    expect(told).toEqual(["a lost"]);
    expect(keeper.size).toBe(0);
  });

  it("whose renewal got no answer is neither held nor lost, and is asked about sooner", async () => {
    let answers: boolean | Error = new Error("no answer");
    const { clock, batches, told, hold } = keeping(() => answers);
    const lease = hold("a");
    await clock.advance(260);
    expect(lease.state).toBe("unknown");
    expect(batches.length).toBeGreaterThan(1);
    answers = true;
    await clock.advance(60);
    expect(lease.state).toBe("renewed");
    expect(told).toEqual(["a renewed"]);
  });

  it("expires for its process by the process's own clock, is told so once, and may be renewed all the same", async () => {
    let answers: boolean | Error = new Error("no answer");
    const { clock, told, hold } = keeping(() => answers);
    const lease = hold("a");
    await clock.advance(1_500);
    expect(told).toEqual(["a expired"]);
    expect(lease.hasExpired()).toBe(true);
    answers = true;
    await clock.advance(100);
    expect(lease.hasExpired()).toBe(false);
    expect(told.filter((line) => line === "a expired")).toHaveLength(1);
  });

  it("notices its deadline when asked, before an overdue timer fires", () => {
    const { clock, told, hold } = keeping(() => true);
    const granted = clock.now() - 2_000;
    const lease = hold("a");
    lease.deadline = granted;
    expect(lease.hasExpired()).toBe(true);
    expect(told).toEqual(["a expired"]);
  });
});

describe("many leases", () => {
  it("are renewed in one batch", async () => {
    const { clock, batches, hold } = keeping(() => true);
    for (let index = 0; index < 50; index++) hold(`lease ${index}`);
    await clock.advance(210);
    expect(batches).toHaveLength(1);
    expect(batches[0]).toHaveLength(50);
  });

  it("of which there are very many are renewed in several bounded batches, a few at a time, none left out", async () => {
    const clock = new FakeClock();
    const open: PromiseWithResolvers<void>[] = [];
    const batches: (readonly string[])[] = [];
    const keeper = new LeaseKeeper<string, RenewalAnswer>(clock, async (subjects) => {
      batches.push(subjects);
      const gate = Promise.withResolvers<void>();
      open.push(gate);
      await gate.promise;
      return subjects.map(() => ({ holds: true }));
    });
    const listener = { onRenewed() {}, onLost() {}, onExpired() {} };
    const names = Array.from({ length: 2_000 }, (_, index) => `lease ${index}`);
    const leases = names.map((name) => keeper.hold(name, TERMS, clock.now(), listener));
    await clock.advance(210);
    expect(batches.length).toBeLessThan(names.length / 200);
    const before = batches.length;
    // A lease released while it waits its turn is not asked about.
    leases.at(-1)?.release();
    await clock.advance(100);
    open.shift()?.resolve();
    await clock.advance(0);
    expect(batches.length).toBe(before + 1);
    while (open.length > 0) {
      open.shift()?.resolve();
      await clock.advance(1);
    }
    expect(batches.flat()).toEqual(names.slice(0, -1));
    expect(Math.max(...batches.map((batch) => batch.length))).toBeLessThanOrEqual(200);
    // The lease time of each counts from when its own batch left.
    const [first = 0, late = 0] = [leases[0]?.deadline, leases[1_900]?.deadline];
    expect(late).toBeGreaterThanOrEqual(first + 100);
  });

  it("are said to be gone when the last one has been released or lost", async () => {
    const { clock, keeper, hold } = keeping((subject) => subject !== "b");
    await keeper.emptied();
    const [a] = [hold("a"), hold("b")];
    let emptied = false;
    void keeper.emptied().then(() => (emptied = true));
    a?.release();
    await clock.advance(100);
    expect(emptied).toBe(false);
    await clock.advance(200);
    expect(emptied).toBe(true);
  });

  it("that fall due a little later come along, those far from it do not", async () => {
    const { clock, batches, hold } = keeping(() => true);
    hold("now");
    await clock.advance(30);
    hold("soon");
    await clock.advance(100);
    hold("later");
    await clock.advance(75);
    expect(batches).toEqual([["now", "soon"]]);
  });

  it("beat at once and faster while hurried", async () => {
    const { clock, batches, keeper, hold } = keeping(() => true);
    hold("a");
    await clock.advance(10);
    keeper.hurry(50);
    await clock.advance(110);
    expect(batches.length).toBeGreaterThanOrEqual(3);
    keeper.hurry(undefined);
    const before = batches.length;
    await clock.advance(190);
    expect(batches.length - before).toBeLessThanOrEqual(2);
  });
});
