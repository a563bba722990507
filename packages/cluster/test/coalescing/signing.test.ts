/** Outcomes that are believed only if somebody with the secret signed them: for this key, this flight, in their time. */
import { RedisServer, TcpProxy, waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { InvalidOptionError } from "@skein/core";
import { inspect } from "node:util";
import { crc32 } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { jsonCodec } from "../../src/codec.ts";
import { openOutcome, sealOutcome } from "../../src/envelope.ts";
import { parseToken } from "../../src/fencing-token.ts";
import { formatWakeUp } from "../../src/inbox/wake-up.ts";
import { oneServer } from "../topology/redis-topology.ts";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";
import { postTo, WAKEUP } from "../wakeup.ts";

const SECRET = "canary-secret-of-the-fleet";
const OTHER = "canary-secret-of-another-fleet";
const FLIGHT = "skein1:{test:k:1}:flight";

interface Member {
  readonly flights: ClusterSingleflight;
  readonly events: ClusterEvent[];
}

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

function member(redis: string): Member {
  const events: ClusterEvent[] = [];
  const flights = new ClusterSingleflight({
    redis,
    namespace: "test",
    prefixes: ["k:"],
    redisTimeoutMs: 10_000,
    wakeup: WAKEUP,
    secrets: SECRET,
    observer: { onEvent: (event) => void events.push(event) },
  });
  return { flights, events };
}

function rejections(events: readonly ClusterEvent[]): string[] {
  return events.flatMap((event) => (event.type === "rejected" ? [event.why] : []));
}

/** With other contents, a checksum that fits them, and the signature as it was. */
function resealed(envelope: Buffer, from: string, to: string): Buffer {
  const [head = "", payload = ""] = envelope.toString("latin1").replace(from, to).split("\n");
  const [signature = "", _checksum, ...header] = head.split(" ").toReversed();
  const signed = header.toReversed().join(" ");
  const checksum = crc32(payload, crc32(signed)).toString(36);
  return Buffer.from(`${signed} ${checksum} ${signature}\n${payload}`, "latin1");
}

/** One leads and the other follows; returns the work to be ended and both answers. */
async function leadAndFollow(fleet: FleetOfInstances): Promise<{
  work: HeldWork<unknown>;
  led: Promise<unknown>;
  followed: Promise<{ value: unknown; role: string }>;
}> {
  const work = new HeldWork<unknown>();
  const led = fleet.at(0).do("k:1", work.run);
  await work.begun;
  const followed = fleet.at(1).fly("k:1", () => "own");
  await waitUntil(() => fleet.count(1, "follow") === 1, { what: "a follower" });
  return { work, led, followed };
}

describe("with the same secret", () => {
  for (const [how, options] of [
    ["inline", {}],
    ["by pointer", { inlineMaxBytes: 0 }],
  ] as const) {
    it(`followers get the outcome (${how})`, async () => {
      await using fleet = await FleetOfInstances.start(2, { secrets: SECRET, prefixes: { "k:": options } });
      const { work, led, followed } = await leadAndFollow(fleet);
      work.end({ rows: 3 });
      expect(await led).toEqual({ rows: 3 });
      expect(await followed).toMatchObject({ value: { rows: 3 }, role: "follower" });
      expect(rejections(fleet.instance(1).events)).toEqual([]);
    });
  }

  it("errors and undefined arrive as well", async () => {
    await using fleet = await FleetOfInstances.start(2, { secrets: [SECRET] });
    const first = await leadAndFollow(fleet);
    first.work.end(undefined);
    expect(await first.followed).toMatchObject({ value: undefined, role: "follower" });
    await first.led;
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    const work = new HeldWork<never>();
    const led = fleet.at(0).do("k:2", work.run);
    await work.begun;
    const followed = fleet.at(1).do("k:2", () => "own");
    await waitUntil(() => fleet.count(1, "follow") === 2, { what: "a follower" });
    work.fail(Object.assign(new Error("no row"), { code: "E_ROW" }));
    await expect(led).rejects.toThrow("no row");
    await expect(followed).rejects.toMatchObject({ code: "E_ROW", name: "RemoteWorkError" });
  });
});

describe("an outcome that nobody with the secret signed is a counted miss: the process runs the work itself", () => {
  it("signed with another secret", async () => {
    await using fleet = await FleetOfInstances.start(2, (index) => ({
      secrets: index === 0 ? OTHER : SECRET,
    }));
    const { work, led, followed } = await leadAndFollow(fleet);
    work.end("foreign");
    expect(await led).toBe("foreign");
    expect(await followed).toMatchObject({ value: "own", role: "local", fallbackReason: "unshareable" });
    expect(new Set(rejections(fleet.instance(1).events))).toEqual(new Set(["signature"]));
  });

  it("not signed at all; the other way round it is believed, since nothing is expected", async () => {
    await using fleet = await FleetOfInstances.start(2, (index) => (index === 0 ? {} : { secrets: SECRET }));
    const { work, led, followed } = await leadAndFollow(fleet);
    work.end("unsigned");
    expect(await led).toBe("unsigned");
    expect(await followed).toMatchObject({ value: "own", role: "local" });
    expect(new Set(rejections(fleet.instance(1).events))).toEqual(new Set(["signature"]));

    const signing = new HeldWork<string>();
    const signer = fleet.at(1).do("k:2", signing.run);
    await signing.begun;
    const reader = fleet.at(0).fly("k:2", () => "own");
    await waitUntil(() => fleet.count(0, "follow") === 1, { what: "a follower" });
    signing.end("signed");
    expect(await reader).toMatchObject({ value: "signed", role: "follower" });
    await signer;
  });

  it.runIf(oneServer)("put into the inbox by somebody who can", async () => {
    await using fleet = await FleetOfInstances.start(2, { secrets: SECRET, prefixes: { "k:": {} } });
    const { work, led, followed } = await leadAndFollow(fleet);
    const token = fleet.instance(0).events.find((event) => event.type === "lead")?.flightId ?? "";
    const nonce = parseToken(token)?.nonce ?? "";
    // Right in everything but the signature: what a process without secrets would publish.
    const outcome = sealOutcome(
      { kind: "value", value: "poison" },
      { codec: jsonCodec, nonce, takeovers: 0, maxOutcomeBytes: 1_000 },
    ).bytes;
    expect(openOutcome(outcome, { codec: jsonCodec, nonce })).toMatchObject({ ok: true });
    const message = formatWakeUp({ kind: "settled", flightId: "test:k:1", token, outcome });
    const client = fleet.redis.client();
    const registered = (await client.hkeys(FLIGHT)).find((field) => field.startsWith("f:"));
    await postTo(client, `skein1:test:inbox:${registered?.split(":")[1]}`, message);
    await waitUntil(() => rejections(fleet.instance(1).events).length > 0, { what: "the rejection" });
    work.end("true");
    expect(await followed).toMatchObject({ value: "true", role: "follower" });
    expect(rejections(fleet.instance(1).events)).toEqual(["signature"]);
    await led;
  });

  it.runIf(oneServer)("of another key, with its signature, put in the place of this one's", async () => {
    await using fleet = await FleetOfInstances.start(2, {
      secrets: SECRET,
      prefixes: { "k:": { retainMs: 60_000, freshMs: 60_000 } },
    });
    await fleet.at(0).do("k:other", () => "other");
    await fleet.at(0).do("k:1", () => "mine");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 2, { what: "both settlements" });
    const client = fleet.redis.client();
    const other = await client.hgetallBuffer("skein1:{test:k:other}:flight");
    for (const [field, value] of Object.entries(other)) await client.hset(FLIGHT, field, value);
    expect(await fleet.at(1).fly("k:1", () => "own")).toMatchObject({ value: "own", role: "local" });
    expect(rejections(fleet.instance(1).events)).toEqual(["signature"]);
  });

  it.runIf(oneServer)("whose bytes were changed", async () => {
    await using fleet = await FleetOfInstances.start(2, {
      secrets: SECRET,
      prefixes: { "k:": { retainMs: 60_000, freshMs: 60_000 } },
    });
    await fleet.at(0).do("k:1", () => "mine");
    await waitUntil(() => fleet.count(0, "settle-accepted") === 1, { what: "the settlement" });
    const client = fleet.redis.client();
    const outcome = (await client.hgetBuffer(FLIGHT, "outcome")) ?? Buffer.alloc(0);
    const changed = resealed(outcome, "mine", "ours");
    await client.hset(FLIGHT, "outcome", changed);
    const nonce = String(outcome).split(" ")[3] ?? "";
    expect(openOutcome(changed, { codec: jsonCodec, nonce })).toMatchObject({
      ok: true,
      outcome: { value: "ours" },
    });
    expect(await fleet.at(1).fly("k:1", () => "own")).toMatchObject({ value: "own", role: "local" });
    expect(rejections(fleet.instance(1).events)).toEqual(["signature"]);
  });
});

describe.runIf(oneServer)(
  "while a process has not yet been told the time by a server that it came back to",
  () => {
    /** Two members, one of them behind a proxy that is about to lose its connection for commands. */
    async function start(): Promise<{
      near: Member;
      far: Member;
      cutOff: () => Promise<void>;
      heal: () => void;
    }> {
      const server = await RedisServer.start();
      const proxy = await TcpProxy.start({ targetPort: server.port });
      const [near, far] = [member(server.url), member(proxy.url)];
      stops.push(async () => {
        proxy.pass();
        await Promise.all([near, far].map(({ flights }) => flights.close({ drainMs: 0 })));
        await proxy.stop();
        await server.stop();
      });
      await Promise.all([near, far].map(({ flights }) => flights.ready()));
      return {
        near,
        far,
        async cutOff() {
          const before = Math.max(...proxy.connections.map(({ id }) => id));
          // The question for the time leaves on each new connection for commands; the answer does not come.
          proxy.only(({ commands }) => commands.has("time"));
          proxy.hold("to-client");
          proxy.reset();
          await waitUntil(
            () => proxy.connections.some(({ id, commands }) => id > before && commands.has("time")),
            {
              what: "the question for the time",
            },
          );
        },
        heal: () => proxy.release(),
      };
    }

    it("is believed in what it publishes", async () => {
      const { near, far, cutOff, heal } = await start();
      const work = new HeldWork<string>();
      const led = far.flights.do("k:1", work.run);
      await work.begun;
      const followed = near.flights.fly("k:1", () => "own");
      await waitUntil(() => near.events.some(({ type }) => type === "follow"), { what: "a follower" });
      await cutOff();
      work.end("first");
      expect(await led).toBe("first");
      heal();
      expect(await followed).toMatchObject({ value: "first", role: "follower" });
      expect(rejections(near.events)).toEqual([]);
    });

    it("still believes what others publish", async () => {
      const { near, far, cutOff } = await start();
      const work = new HeldWork<string>();
      const led = near.flights.do("k:1", work.run);
      await work.begun;
      const followed = far.flights.fly("k:1", () => "own");
      await waitUntil(() => far.events.some(({ type }) => type === "follow"), { what: "a follower" });
      await cutOff();
      work.end("first");
      expect(await followed).toMatchObject({ value: "first", role: "follower" });
      expect(rejections(far.events)).toEqual([]);
      expect(await led).toBe("first");
    });
  },
);

describe("a process that gave up on a join", () => {
  it.runIf(oneServer)(
    "does not settle for it without its token, but resigns, so that nobody waits for it",
    async () => {
      await using fleet = await FleetOfInstances.start(2, (index) => ({
        secrets: SECRET,
        redisTimeoutMs: index === 0 ? 300 : 10_000,
      }));
      // Replies are late for the first one: its join is carried out, and it does not hear of it.
      await fleet.redis.client().call("CLIENT", "PAUSE", "1000", "WRITE");
      const work = new HeldWork<string>();
      const alone = fleet.at(0).fly("k:1", work.run);
      await work.begun;
      const next = fleet.at(1).fly("k:1", () => "own");
      expect(await next).toMatchObject({ value: "own", role: "leader" });
      work.end("alone");
      expect(await alone).toMatchObject({ value: "alone", role: "local" });
    },
  );
});

describe("secrets", () => {
  const construct = (secrets: unknown) => (): unknown =>
    new ClusterSingleflight({ redis: "redis://127.0.0.1:1", secrets: secrets as string });

  it.each([
    [""],
    ["canary-too-short".slice(0, 15)],
    [[]],
    [[SECRET, "short"]],
    [7],
    [new Uint8Array(15)],
    [null],
  ])("that are too short, too few or no secrets are refused, and not shown: %j", (secrets) => {
    expect(construct(secrets)).toThrow(InvalidOptionError);
    try {
      construct(secrets)();
    } catch (error) {
      expect(String(error)).toMatch(/secrets/);
      expect(inspect(error, { depth: 9 })).not.toContain("canary");
    }
  });

  it("are in no event", async () => {
    await using fleet = await FleetOfInstances.start(2, (index) => ({
      secrets: index === 0 ? [SECRET] : [OTHER],
      exposeKeys: true,
    }));
    const { work, led, followed } = await leadAndFollow(fleet);
    work.end("v");
    await Promise.all([led, followed]);
    expect(
      inspect(
        fleet.instances.map(({ events }) => events),
        { depth: 9 },
      ),
    ).not.toContain("canary");
  });
});
