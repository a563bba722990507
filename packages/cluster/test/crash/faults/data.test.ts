/** Faults of data: garbage, outcomes that cannot travel, crowds, and builds of other versions. */
import { SeededRandom, waitUntil } from "@skein/testkit";
import { expect } from "vitest";
import { postTo } from "../../wakeup.ts";
import { FleetOfInstances, HeldWork } from "../../coalescing/fleet-of-instances.ts";
import { buildWith } from "../../fliers/build-with.ts";
import { asMinimalUser } from "../../topology/redis-topology.ts";
import { FaultFleet } from "./fault-fleet.ts";
import { row } from "./row.ts";

row(
  {
    row: 24,
    fault: "outcomes that cannot travel",
    injected: "work that yields something oversize, cyclic, a BigInt, undefined, null",
    seen: "the leader's caller gets it; the other process gets it where the codec can, else runs the work itself",
  },
  async () => {
    await using fleet = await FleetOfInstances.start(2, { prefixes: { "k:": { maxOutcomeBytes: 1_000 } } });
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    const outcomes: [string, unknown, "follower" | "local"][] = [
      ["oversize", "x".repeat(2_000), "local"],
      ["cyclic", cyclic, "local"],
      ["bigint", 10n, "local"],
      ["undefined", undefined, "follower"],
      ["null", null, "follower"],
    ];
    for (const [name, value, role] of outcomes) {
      const work = new HeldWork<unknown>();
      const led = fleet.at(0).do(`k:${name}`, work.run);
      await work.begun;
      const before = fleet.count(1, "follow");
      const followed = fleet.at(1).fly(`k:${name}`, () => "own");
      await waitUntil(() => fleet.count(1, "follow") > before, { what: "a follower", timeoutMs: 20_000 });
      work.end(value);
      expect(await led).toBe(value);
      expect(await followed).toMatchObject({ role, value: role === "local" ? "own" : value });
    }
    return `${outcomes.length} kinds`;
  },
);

row(
  {
    row: 25,
    fault: "garbage under our keys and in our inboxes",
    injected:
      "500 random messages into every inbox, and random bytes into lease, flight and retained outcome, under load",
    seen: "counted misses; every call is answered with what some execution of its key produced",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 2, options: { redisTimeoutMs: 5_000 } });
    const admin = fleet.redis.client();
    const random = new SeededRandom("garbage");
    const bytes = (): Buffer =>
      Buffer.from(Array.from({ length: random.integer(60) }, () => random.integer(256)));
    const kinds = ["settled", "pointer", "resigned", "forgotten", "unwanted", "?"];
    const inboxes = await fleet.inboxes();
    let answered = 0;
    for (let round = 0; round < 50; round++) {
      const calls = [0, 1].map((index) => fleet.call(index, `k:${round % 5}`, { workMs: 20 }));
      for (let message = 0; message < 10; message++) {
        const like = `1 ${random.pick(kinds)} test:k:${round % 5} ${random.integer(9)}-p-n\n`;
        const text = random.fraction() < 0.5 ? Buffer.concat([Buffer.from(like), bytes()]) : bytes();
        for (const inbox of inboxes) await postTo(admin, inbox, text);
      }
      const tagged = `skein1:{test:k:${round % 5}}`;
      const garble = random.pick([
        () => admin.set(`${tagged}:lease`, bytes(), "PX", 1_000),
        () =>
          admin.hset(
            `${tagged}:flight`,
            random.pick(["token", "grant", "outcome", "settled", "beat"]),
            bytes(),
          ),
        () => admin.set(`${tagged}:flight`, bytes(), "PX", 1_000),
      ]);
      await fleet.losingData<unknown>(() => garble().catch(() => undefined));
      const told = await Promise.all(calls);
      expect(told.every(({ ok }) => ok)).toBe(true);
      answered += told.length;
    }
    fleet.holds();
    for (const value of [0, 1]) expect(fleet.count(value, "rejected")).toBeGreaterThan(0);
    return `${answered} of ${answered} answered, ${fleet.count(0, "rejected") + fleet.count(1, "rejected")} rejected`;
  },
);

row(
  {
    row: 27,
    fault: "a thousand waiting processes on one key",
    injected: "1,000 inboxes registered for one flight",
    seen: "one settle wakes all of them",
  },
  async () => {
    await using fleet = await FaultFleet.start({ processes: 1, options: { redisTimeoutMs: 10_000 } });
    const admin = fleet.redis.client();
    const { answer } = await fleet.lead(0, "k:1");
    const lease = String(await admin.get("skein1:{test:k:1}:lease"));
    const subscriber = fleet.redis.client();
    const inboxes = Array.from({ length: 1_000 }, (_, index) => `crowd${index.toString(36)}`);
    let woken = 0;
    subscriber.on("message", () => woken++);
    for (let from = 0; from < inboxes.length; from += 100) {
      await subscriber.subscribe(
        ...inboxes.slice(from, from + 100).map((name) => `skein1:test:inbox:${name}`),
      );
    }
    const registration = `p ${lease.split("-")[0]} ${Date.now() + 60_000}`;
    const fields = inboxes.flatMap((name) => [`f:${name}:n`, registration]);
    await admin.hset("skein1:{test:k:1}:flight", ...fields);
    await admin.config("RESETSTAT");
    await fleet.release(0);
    expect(await answer).toMatchObject({ ok: true, role: "leader" });
    await waitUntil(() => woken === 1_000, { what: "all wake-ups", timeoutMs: 30_000 });
    const stats = await fleet.redis.commandStats();
    const us = Math.max(...["evalsha", "eval"].map((name) => stats[name]?.usecPerCall ?? 0));
    return `1,000 woken, at most ${(us / 1_000).toFixed(1)} ms of server time per script`;
  },
);

row(
  {
    row: 30,
    fault: "two versions of the library on one Redis",
    injected: "a build of another protocol version, and one of another envelope version, beside this one",
    seen: "the first isolates, with keys of its own; of the second an outcome is refused by name, never misread",
    impossible: asMinimalUser && "the keys of another protocol version are none that this user may touch",
  },
  async () => {
    await using protocol = await buildWith("flight-keys.js", "PROTOCOL_VERSION = 1", "PROTOCOL_VERSION = 2");
    await using envelope = await buildWith("envelope.js", 'VERSION = "1"', 'VERSION = "2"');
    const builds = [undefined, protocol.url, envelope.url];
    await using fleet = await FaultFleet.start({
      processes: 3,
      options: { redisTimeoutMs: 10_000 },
      envOf: (index) => (builds[index] === undefined ? {} : { SKEIN_TEST_BUILD: builds[index] }),
    });
    const { answer: own } = await fleet.lead(0, "k:1");
    const { answer: other } = await fleet.lead(1, "k:1");
    const { answer: third } = await fleet.follow(2, "k:1");
    await fleet.release(0);
    await fleet.release(1);
    expect([(await own).role, (await other).role]).toEqual(["leader", "leader"]);
    expect(await third).toMatchObject({ ok: true, role: "local", fallbackReason: "unshareable" });
    expect(fleet.count(1, "rejected")).toBe(0);
    expect(fleet.eventsOf(2, "rejected").map(({ why }) => why)).toContain("version");
    return "isolated, and refused by name";
  },
);
