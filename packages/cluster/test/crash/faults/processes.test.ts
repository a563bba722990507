/** Faults of processes: killed, terminated, stopped, blocked, hanging, crashing. */
import { expect } from "vitest";
import { waitUntil } from "@skein/testkit";
import { SUCCEEDED_WITHIN_MS } from "../../wakeup.ts";
import { FaultFleet } from "./fault-fleet.ts";
import { row, since } from "./row.ts";

row(
  {
    row: 1,
    fault: "SIGKILL of the leader",
    injected: "kill -9 of the process that runs the work, with two followers waiting",
    seen: "one follower takes over, and both get its outcome",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 3 });
    await fleet.lead(0, "k:1");
    const followers = [await fleet.follow(1, "k:1"), await fleet.follow(2, "k:1")];
    const killedAt = performance.now();
    await fleet.kill(0);
    const told = await Promise.all(followers.map(({ answer }) => answer));
    const figure = since(killedAt);
    expect(performance.now() - killedAt).toBeLessThan(SUCCEEDED_WITHIN_MS);
    expect(told.map(({ role = "" }) => role).toSorted((a, b) => a.localeCompare(b))).toEqual([
      "follower",
      "leader",
    ]);
    expect(new Set(told.map(({ value }) => value)).size).toBe(1);
    fleet.holds();
    return `answered after ${figure}`;
  },
);

row(
  {
    row: 2,
    fault: "SIGTERM of the leader",
    injected: "SIGTERM, with handleSignals and no drain time",
    seen: "it resigns, and a follower takes over at once, which counts as no takeover",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: { handleSignals: { drainMs: 0 } } });
    await fleet.lead(0, "k:1", { workMs: 60_000 });
    const { answer } = await fleet.follow(1, "k:1");
    const at = performance.now();
    fleet.flier(0).signal("SIGTERM");
    expect(await answer).toMatchObject({ ok: true, role: "leader", takeovers: 0 });
    const figure = since(at);
    expect(performance.now() - at).toBeLessThan(4_000);
    expect(await fleet.flier(0).exited).toMatchObject({ signal: "SIGTERM" });
    fleet.holds();
    return `answered after ${figure}`;
  },
);

const shortLease = { prefixes: { "k:": { leaseMs: 1_000 } } };

row(
  {
    row: 3,
    fault: "the leader stops past its lease and goes on",
    injected: "SIGSTOP, a successor's whole flight, SIGCONT",
    seen: "one successor; the stopped one is fenced, and its own caller answered",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: shortLease });
    const { answer: own } = await fleet.lead(0, "k:1", { held: true, unlike: true });
    const { answer } = await fleet.follow(1, "k:1");
    const at = performance.now();
    fleet.pause(0);
    expect(await answer).toMatchObject({ ok: true });
    const figure = since(at);
    fleet.resume(0);
    await fleet.release(0);
    expect(await own).toMatchObject({ ok: true });
    fleet.holds();
    return `follower answered after ${figure}`;
  },
);

row(
  {
    row: 4,
    fault: "the leader's event loop is blocked past its lease",
    injected: "a busy loop of 3 s in the work, with a lease of 1 s",
    seen: "a successor; the blocked one says that it lost its lease, is fenced, and answers its own caller",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: shortLease });
    const { answer: own } = await fleet.lead(0, "k:1", { held: true, blocksMs: 3_000 });
    const { answer } = await fleet.follow(1, "k:1");
    const [late, told] = await Promise.all([own, answer, fleet.release(0)]);
    expect([late.ok, told.ok]).toEqual([true, true]);
    await fleet.until(0, "lease-lost");
    fleet.holds();
    return `${fleet.count(1, "takeover")} takeover`;
  },
);

row(
  {
    row: 5,
    fault: "work that never resolves",
    injected: "a promise that never settles, with maxAgeMs 4 s, in the first process",
    seen: "it is aborted and resigns; the follower takes over and is answered",
  },
  async () => {
    const prefixes = { "k:": { maxAgeMs: 4_000 } };
    await using fleet = await FaultFleet.start({ processes: 2, options: { prefixes } });
    const hanging = fleet.call(0, "k:1", { hangs: true }, 8_000);
    await fleet.until(0, "lead");
    const { answer } = await fleet.follow(1, "k:1", { workMs: 10 });
    const at = performance.now();
    expect(await answer).toMatchObject({ ok: true, role: "leader", takeovers: 1 });
    const figure = since(at);
    await fleet.until(0, "flight-aged");
    expect(await hanging).toMatchObject({ ok: false, error: { code: "ERR_SKEIN_TIMEOUT" } });
    fleet.holds();
    return `answered after ${figure}`;
  },
);

row(
  {
    row: 6,
    fault: "work that crashes its process every time",
    injected: "SIGKILL from inside the work, in every one of five processes that tries",
    seen: "three die, two get FlightAbandonedError, and so does who asks later",
  },
  async () => {
    const options = { prefixes: { "k:": { abandonMs: 60_000 } } };
    await using fleet = await FaultFleet.start({ processes: 5, options });
    const answers = fleet.fliers.map((_, index) =>
      fleet.call(index, "k:1", { kills: true }).catch(() => "died"),
    );
    const told = await Promise.all(answers);
    const died = told.filter((each) => each === "died").length;
    const refused = told.filter(
      (each) => typeof each === "object" && each.error?.name === "FlightAbandonedError",
    );
    expect([died, refused.length]).toEqual([3, 2]);
    const alive = fleet.fliers.findIndex((_, index) => typeof told[index] === "object");
    expect(await fleet.call(alive, "k:1", {})).toMatchObject({ error: { name: "FlightAbandonedError" } });
    return "3 of 5 died";
  },
);

row(
  {
    row: 28,
    fault: "callers abort: first, last, all",
    injected: "the leader's only caller leaves, then the follower's",
    seen: "the work goes on while anybody in the fleet waits, and is aborted when nobody does",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2 });
    const leading = fleet.flier(0).call("callWithSignal", "a", "k:1", { workMs: 60_000, heeds: true });
    leading.catch(() => undefined);
    await fleet.until(0, "lead");
    const following = fleet.flier(1).call("callWithSignal", "b", "k:1", {});
    following.catch(() => undefined);
    await fleet.until(1, "follow");
    await fleet.flier(0).call("leave", "a");
    expect(await leading).toMatchObject({ ok: false, error: { message: "left" } });
    const aborted = (): boolean => fleet.flier(0).events.some(({ type }) => type === "work-aborted");
    await fleet.until(0, "flight-unwanted");
    expect(aborted()).toBe(false);
    const at = performance.now();
    await fleet.flier(1).call("leave", "b");
    expect(await following).toMatchObject({ ok: false, error: { message: "left" } });
    await waitUntil(aborted, { what: "the abort", timeoutMs: 20_000 });
    return `aborted ${since(at)} after the last caller of the fleet left`;
  },
);

row(
  {
    row: 29,
    fault: "work that asks for its own key through another process",
    injected: "the work for A asks another service over HTTP, which asks for A",
    seen: "a typed error there at once, and one execution",
  },
  async () => {
    const options = { prefixes: { "k:": { leaseMs: 600_000 } } };
    await using fleet = await FaultFleet.start({ processes: 2, options });
    const port = await fleet.flier(1).call<number>("listen");
    const at = performance.now();
    const answer = await fleet.call(0, "k:a", { asks: { port, key: "k:a" } });
    expect(answer.value).toMatchObject({ ok: false, error: { name: "ReentrantCallError" } });
    return `answered after ${since(at)}`;
  },
);
