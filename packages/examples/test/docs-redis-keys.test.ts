// docs/REDIS-KEYS.md names what the code names: keys, fields and who writes them, messages, rights. And a user with
// exactly the rights that it lists can fly.

import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { RedisServer } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonCodec } from "../../cluster/dist/codec.js";
import { openOutcome, sealOutcome } from "../../cluster/dist/envelope.js";
import { flightKeys } from "../../cluster/dist/flight-keys.js";
import { formatWakeUp, parseWakeUp, type WakeUpKind } from "../../cluster/dist/inbox/wake-up.js";
import { readLua } from "./lua-fields.ts";
import { codeWords, Markdown, readSource } from "./markdown.ts";

const document = await Markdown.read("docs/REDIS-KEYS.md");
const lua = await readLua();
const keys = flightKeys({ namespace: "shop", maxKeyBytes: 1_024, hashKeys: false });

describe("the documented names", () => {
  it("are those of the keys and the channel of a flight", () => {
    const named = (heading: string): string[] =>
      document
        .table(heading)
        .map(([name = ""]) => name.replaceAll("`", "").replace("<ns>", "shop").replace("<key>", "user:7"));
    const { leaseKey, flightKey, entryKey, lockKey } = keys.flight("user:7");
    expect(named("Keys")).toEqual([leaseKey, flightKey, entryKey, lockKey, `${keys.inboxPrefix}<process>`]);
    expect(named("Channels")).toEqual([`${keys.inboxPrefix}<process>`]);
  });

  it("show how a key is encoded", () => {
    for (const [key = "", lease = ""] of document.table("How a key is encoded")) {
      expect(`\`${keys.flight(key.replaceAll("`", "")).leaseKey}\``).toBe(lease);
    }
    const length = Number(/longer\s+than (\d+) characters/u.exec(document.text)?.[1]);
    expect(keys.flight("k".repeat(length)).id).toBe(`shop:${"k".repeat(length)}`);
    expect(keys.flight("k".repeat(length + 1)).id).toMatch(/^shop:#[0-9a-f]{64}$/u);
  });

  it("are on the front page as well", async () => {
    const frontPage = await Markdown.read("README.md");
    const short = (rows: readonly (readonly string[])[]): string[] =>
      rows.map(([name = "", type = ""]) => `${name} ${type}`);
    const rows = frontPage
      .table("What Redis holds")
      .map((row) => row.map((cell) => cell.replace("<namespace>", "<ns>")));
    expect(short(rows)).toEqual(short(document.table("Keys")));
  });
});

describe("the documented fields", () => {
  const rows = document.table("Fields of the flight").map(([field = "", , writers = "", removers = ""]) => ({
    field: field.replaceAll("`", "").replace(/:.*/u, ":"),
    writers: scriptsIn(writers),
    removers: scriptsIn(removers),
  }));

  it("are all that the scripts know", () => {
    expect(rows.map(({ field }) => field).toSorted()).toEqual([...lua.fields].toSorted());
  });

  it.each(rows)(
    "are written and removed by the scripts that are named: $field",
    ({ field, writers, removers }) => {
      const scripts = [...lua.uses];
      expect(scripts.flatMap(([name, { writes }]) => (writes.has(field) ? [name] : [])).toSorted()).toEqual(
        writers,
      );
      const removing = scripts.filter(([, { removes }]) => removes.has(field) || sweeps(removes, field));
      expect(removing.map(([name]) => name).toSorted()).toEqual(removers);
    },
  );
});

describe("the documented messages", () => {
  const kinds = document.table("Wake-ups").map(([kind = ""]) => kind.replaceAll("`", ""));

  it("are the wake-ups that scripts send and processes understand", () => {
    expect(kinds.toSorted()).toEqual([...lua.wakeUps].toSorted());
    for (const kind of kinds) {
      const message = formatWakeUp({
        kind: kind as WakeUpKind,
        flightId: "shop:k",
        token: "1-a-b",
        outcome: new Uint8Array(),
      });
      expect(parseWakeUp(message)?.kind).toBe(kind);
    }
  });

  it("have the documented head line", () => {
    const line = document.section("Wake-ups").split("```text\n")[1]?.split("\n")[0];
    const message = formatWakeUp({
      kind: "pointer",
      flightId: "<ns>:<key>",
      token: "<token>",
      outcome: new Uint8Array(),
    });
    expect(Buffer.from(message).toString()).toBe(
      `${line?.replace("<protocol version>", "1").replace("<kind>", "pointer")}\n`,
    );
  });

  it("carry outcomes in the documented envelope", () => {
    const template =
      document.section("Outcome envelope").split("```text\n")[1]?.split("\n")[0]?.split(" ") ?? [];
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const { bytes } = sealOutcome(
      { kind: "value", value: 7 },
      { codec: jsonCodec, nonce: "n0", takeovers: 2, traceparent, maxOutcomeBytes: 100 },
    );
    const [head = "", payload] = bytes.toString().split("\n");
    const known: Record<string, string> = {
      "<kind>": "value",
      "<codec>": "json",
      "<nonce>": "n0",
      "<takeovers>": "2",
      "[<traceparent>]": traceparent,
    };
    expect(head.replace(/\w+ -$/u, "<checksum> <signature>").split(" ")).toEqual(
      template.map((word) => known[word] ?? word),
    );
    expect(payload).toBe("7");
    expect(openOutcome(bytes, { codec: jsonCodec, nonce: "n0" })).toMatchObject({ ok: true, takeovers: 2 });
  });

  it("have the documented kinds, limits and reasons", async () => {
    const section = document.section("Outcome envelope");
    const envelope = await readSource("packages/cluster/src/envelope.ts");
    const kindsOfOutcome = codeWords(document.table("Outcome envelope")[0]?.[1] ?? "");
    expect(kindsOfOutcome).toEqual(wordsOf(/^type Kind = (.*);$/mu.exec(envelope)?.[1]));
    const outcome = await readSource("packages/cluster/src/outcome.ts");
    const reasons = /the reason: (.*)\.\s`undefined`/u.exec(section)?.[1] ?? "";
    expect(codeWords(reasons)).toEqual(wordsOf(/UnshareableWhy = (.*);/u.exec(outcome)?.[1]));
    const coordinator = await readSource("packages/cluster/src/redis/redis-coordinator.ts");
    expect(document.text).toContain("within 2 MiB");
    expect(coordinator).toContain("FANOUT_MAX_BYTES = 2 * 1024 * 1024;");
    expect(document.text).toContain("`maxWokenPerSettle` followers, 1,000 by default");
    expect(coordinator).toContain("MAX_WOKEN = 1_000;");
  });
});

describe("the documented rights", () => {
  const rule = document.section("Rights").split("```text\n")[1]?.split("```")[0] ?? "";
  const [, , user = "", ...rights] = rule.split(/\s+/u).filter((word) => word !== "");
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    await redis.client().call("ACL", "SETUSER", user, ...rights);
  });
  // Not there when it did not start.
  afterAll(() => (redis as RedisServer | undefined)?.stop());

  it("are those of the scripts, and a few that only connections need", () => {
    const commands = rights.filter((right) => right.startsWith("+")).map((right) => right.slice(1));
    const connections = [
      "ping",
      "time",
      "client|setname",
      "hello",
      "evalsha",
      "eval",
      "subscribe",
      "brpop",
      "rpop",
      "info",
      "config|get",
      "script|load",
    ];
    expect(commands.toSorted()).toEqual([...new Set([...lua.commands, ...connections])].toSorted());
  });

  it.each([
    ["pubsub", "pubsub"],
    ["list", "list"],
    ["pubsub", "list"],
    ["list", "pubsub"],
  ] as const)("are enough to lead, to follow, to leave, to forget and to close (%s, %s)", async (...ways) => {
    const events: ClusterEvent[] = [];
    const join = (wakeup: "pubsub" | "list"): ClusterSingleflight =>
      new ClusterSingleflight({
        wakeup,
        redis: { host: redis.host, port: redis.port, username: user, password: "password" },
        redisTimeoutMs: 10_000,
        prefixes: ["k:"],
        observer: { onEvent: (event) => void events.push(event) },
      });
    await using leader = join(ways[0]);
    await using follower = join(ways[1]);
    await Promise.all([leader.ready(), follower.ready()]);
    const { promise: work, resolve: finish } = Promise.withResolvers<string>();
    const led = leader.fly("k:1", () => work);
    await until(events, "lead");
    const followed = follower.fly("k:1", () => "not called");
    await until(events, "follow");
    finish("done");
    const answers = [await led, await followed].map(({ value, role }) => `${role} ${value}`);
    expect(answers).toEqual(["leader done", "follower done"]);
    expect(await follower.forget("k:1")).toBe(true);

    const admin = redis.client();
    const { flightKey } = flightKeys({ namespace: "default", maxKeyBytes: 100, hashKeys: false }).flight(
      "k:2",
    );
    const registrations = async (): Promise<number> =>
      (await admin.hkeys(flightKey)).filter((field) => field.startsWith("f:")).length;
    const unfinished = leader.do("k:2", () => new Promise(() => undefined));
    const refused = unfinished.catch((error: unknown) => error);
    await expect.poll(() => admin.exists(flightKey), { timeout: 20_000 }).toBe(1);
    const leaving = new AbortController();
    const left = follower.do("k:2", () => "not called", { signal: leaving.signal }).catch(() => "left");
    await expect.poll(registrations, { timeout: 20_000 }).toBe(1);
    leaving.abort();
    expect(await left).toBe("left");
    await expect.poll(registrations, { timeout: 20_000 }).toBe(0);
    await leader.close({ drainMs: 0 });
    expect(await refused).toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    expect(await admin.exists(flightKey)).toBe(0);
    expect(
      events.filter(({ type }) => ["capabilities", "fallback", "rejected", "wakeup-lost"].includes(type)),
    ).toEqual([]);
  });

  it("belong to a user who may do nothing else", async () => {
    const client = redis.client({ username: user, password: "password" });
    await expect(client.flushall()).rejects.toThrow("NOPERM");
    await expect(client.get("somebody:else")).rejects.toThrow("NOPERM");
    await expect(client.publish("somebody:else", "")).rejects.toThrow("NOPERM");
  });
});

async function until(events: readonly ClusterEvent[], type: string): Promise<void> {
  await expect.poll(() => events.some((event) => event.type === type), { timeout: 20_000 }).toBe(true);
}

function scriptsIn(cell: string): string[] {
  return (cell.match(/\b(?:appoint|join|renew|settle|resign|leave|forget|set|delete)\b/gu) ?? []).toSorted();
}

/** A script that removes everything but a few fields. */
function sweeps(removes: ReadonlySet<string>, field: string): boolean {
  const sweep = [...removes].find((name) => name.startsWith("all but "));
  return sweep !== undefined && !sweep.split(" ").includes(field);
}

function wordsOf(union: string | undefined): string[] {
  return Array.from((union ?? "").matchAll(/"([\w-]+)"/gu), ([, word = ""]) => word);
}
