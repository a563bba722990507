/** What other processes get: values, errors, and what cannot be shared. */
import { waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { RemoteWorkError } from "@skein/cluster";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

/** The outcome of work led by 0, as a follower on 1 gets it. */
async function shareWith(
  fleet: FleetOfInstances,
  key: string,
  end: (work: HeldWork<unknown>) => void,
  own: unknown = "own",
) {
  const work = new HeldWork<unknown>();
  const led = fleet.at(0).fly(key, work.run);
  led.catch(() => undefined);
  await work.begun;
  const follows = fleet.count(1, "follow");
  const followed = fleet.at(1).fly(key, async () => own);
  followed.catch(() => undefined);
  await waitUntil(() => fleet.count(1, "follow") > follows, { what: "the follower" });
  end(work);
  return { led, followed };
}

describe("a value", () => {
  const values: [name: string, value: unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["false", false],
    ["zero", 0],
    ["an empty string", ""],
    ["text beyond ASCII", "gänse 🪿 \u0000"],
    ["a nested object", { a: [1, { b: null }], __proto__: { c: 1 } }],
    ["an array", []],
  ];
  for (const [name, value] of values) {
    it(`reaches followers: ${name}`, async () => {
      await using fleet = await FleetOfInstances.start(2);
      const { led, followed } = await shareWith(fleet, "k:v", (work) => work.end(value));
      expect((await led).value).toBe(value);
      expect(await followed).toMatchObject({ role: "follower", shared: true });
      expect((await followed).value).toEqual(value);
    });
  }

  for (const bytes of [0, 16_000, 100_000, 1_000_000]) {
    it(`of ${bytes} characters reaches every follower, with the wake-up or behind a pointer`, async () => {
      await using fleet = await FleetOfInstances.start(2);
      const value = "x".repeat(bytes);
      const { followed } = await shareWith(fleet, "k:size", (work) => work.end(value));
      expect(await followed).toMatchObject({ role: "follower", value });
    });
  }

  it("travels as msgpack with types that JSON has no form for", async () => {
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { codec: "msgpack" } } });
    const value = {
      when: new Date(0),
      bytes: new Uint8Array([0, 255]),
      big: 2n ** 60n,
      map: new Map([[1, "a"]]),
    };
    const { followed } = await shareWith(fleet, "k:msgpack", (work) => work.end(value));
    const got = (await followed).value as typeof value;
    expect(got.when).toEqual(value.when);
    expect([...got.bytes]).toEqual([0, 255]);
    expect(got.big).toBe(value.big);
  });

  it("travels through a codec of the application", async () => {
    const codec = {
      encode: (value: unknown) => Buffer.from(String(value).toUpperCase()),
      decode: (bytes: Uint8Array) => Buffer.from(bytes).toString().toLowerCase(),
    };
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { codec } } });
    const { followed } = await shareWith(fleet, "k:codec", (work) => work.end("goose"));
    expect((await followed).value).toBe("goose");
  });
});

describe("what cannot be shared", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const cases: [name: string, value: unknown][] = [
    ["a cycle", cyclic],
    ["a BigInt", { n: 1n }],
    ["a function", () => 1],
    ["more than maxOutcomeBytes", "x".repeat(2_000)],
  ];
  for (const [name, value] of cases) {
    it(`${name} reaches the leader's callers, and the follower runs once on its own`, async () => {
      await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { maxOutcomeBytes: 1_000 } } });
      const { led, followed } = await shareWith(fleet, "k:x", (work) => work.end(value));
      expect((await led).value).toBe(value);
      expect(await followed).toMatchObject({ role: "local", fallbackReason: "unshareable", value: "own" });
      // While that is remembered, others do not wait in vain either.
      expect(await fleet.at(1).fly("k:x", () => "at once")).toMatchObject({ fallbackReason: "unshareable" });
    });
  }

  it("a value that fails the schema of another process is not used there", async () => {
    const schema = z.object({ id: z.number() });
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { schema } } });
    const good = await shareWith(fleet, "k:good", (work) => work.end({ id: 1 }));
    expect(await good.followed).toMatchObject({ role: "follower", value: { id: 1 } });
    const bad = await shareWith(fleet, "k:bad", (work) => work.end({ id: "one" }), { id: 2 });
    expect(await bad.followed).toMatchObject({ role: "local", value: { id: 2 } });
    expect(fleet.count(1, "rejected")).toBe(1);
  });
});

describe("an error of the work", () => {
  it("is untouched in the leader's process, and a RemoteWorkError elsewhere", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const error = Object.assign(new RangeError("too far", { cause: new Error("the wind") }), {
      code: "E_FAR",
    });
    const { led, followed } = await shareWith(fleet, "k:error", (work) => work.fail(error));
    await expect(led).rejects.toBe(error);
    const remote = await followed.then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(remote).toBeInstanceOf(RemoteWorkError);
    expect(remote).not.toBeInstanceOf(RangeError);
    expect(remote).toMatchObject({
      name: "RemoteWorkError",
      message: "too far",
      code: "E_FAR",
      remoteName: "RangeError",
      skeinCode: "ERR_SKEIN_REMOTE_WORK",
      cause: { message: "the wind" },
    });
  });

  it("that is not shared lets the next process try for itself", async () => {
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { shareErrors: false } } });
    const { led, followed } = await shareWith(fleet, "k:private", (work) => work.fail(new Error("mine")));
    await expect(led).rejects.toThrow("mine");
    expect(await followed).toMatchObject({ role: "leader", value: "own", takeovers: 0 });
  });

  it("is shared as the predicate says", async () => {
    const shareErrors = (error: unknown): boolean => (error as Error).message === "public";
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { shareErrors } } });
    const shared = await shareWith(fleet, "k:public", (work) => work.fail(new Error("public")));
    await expect(shared.followed).rejects.toThrow("public");
    const kept = await shareWith(fleet, "k:kept", (work) => work.fail(new Error("secret")));
    expect(await kept.followed).toMatchObject({ value: "own" });
  });

  it("stays where it is when the predicate throws: whoever withholds errors expects that", async () => {
    const shareErrors = (): boolean => {
      throw new Error("the predicate itself");
    };
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { shareErrors } } });
    const { led, followed } = await shareWith(fleet, "k:doubtful", (work) => work.fail(new Error("mine")));
    await expect(led).rejects.toThrow("mine");
    expect(await followed).toMatchObject({ role: "leader", value: "own", takeovers: 0 });
  });
});

describe("freshness", () => {
  it("a caller that comes after the settlement starts a new execution", async () => {
    await using fleet = await FleetOfInstances.start(2);
    await fleet.at(0).do("k:fresh", () => "first");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    expect(await fleet.at(1).do("k:fresh", () => "second")).toBe("second");
  });

  it("unless the prefix says how old an outcome may be", async () => {
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { freshMs: 5_000 } } });
    await fleet.at(0).do("k:fresh", () => "first");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    expect(await fleet.at(1).fly("k:fresh", () => "second")).toMatchObject({
      value: "first",
      role: "follower",
    });
  });

  it("but never a failure: errors are kept for those who waited, not for newcomers", async () => {
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { freshMs: 5_000 } } });
    await expect(fleet.at(0).do("k:failed", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    expect(await fleet.at(1).do("k:failed", () => "yes")).toBe("yes");
  });
});
