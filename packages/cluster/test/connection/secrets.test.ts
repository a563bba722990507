import { RedisServer, waitUntil } from "@skein/testkit";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { ClusterSingleflight } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import { InvalidOptionError, Singleflight } from "@skein/core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ScriptRunner } from "../../src/redis/script-runner.ts";
import { applicationClients, closeAll, GENEROUS_MS, openLink, openUp } from "./links.ts";

const PASSWORD = "canary-password";
let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start({ password: PASSWORD });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await server.resume();
  await closeAll();
});
afterAll(() => server.stop());

test("no failure shows a key, an argument or a password, and nothing is written to the console", async () => {
  const written = [vi.spyOn(console, "error"), vi.spyOn(console, "warn"), vi.spyOn(console, "log")];
  const link = await openUp(server.url);
  const errors: unknown[] = [];
  const collect = (promise: Promise<unknown>): Promise<unknown> =>
    promise.catch((error: unknown) => errors.push(error));

  await collect(link.send((redis) => redis.call("canary-command", "canary-value"), GENEROUS_MS));
  await collect(link.send((redis) => redis.eval("return redis.error_reply('canary-reply')", 0), GENEROUS_MS));
  await collect(link.send(() => Promise.reject(new Error("canary-error")), GENEROUS_MS));
  await collect(
    link.send(() => {
      throw new Error("canary-throw");
    }, GENEROUS_MS),
  );
  await server.pause();
  await collect(link.send((redis) => redis.set("canary-key", "canary-value"), 50));
  const cut = collect(link.send((redis) => redis.set("canary-key", "canary-value"), 60_000));
  link.reconnect();
  await cut;
  await collect(link.send((redis) => redis.set("canary-key", "canary-value"), 50));

  expect(errors).toHaveLength(7);
  for (const error of errors) {
    expect(error).toMatchObject({ name: "CommandFailure" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("canary");
  }
  for (const spy of written) expect(spy).not.toHaveBeenCalled();
});

test.each(applicationClients)(
  "whoever traces the commands of %s sees nothing of ours",
  async (_name, make) => {
    const traced: string[] = [];
    const listener = (message: unknown): void => {
      traced.push(inspect(message, { depth: 9 }));
    };
    const channels = ["start", "end", "asyncStart", "asyncEnd", "error"].map(
      (event) => `tracing:ioredis:command:${event}`,
    );
    for (const channel of channels) subscribe(channel, listener);
    try {
      const client = make(server);
      await client.get("application-key");
      const link = await openUp(client);
      const runner = new ScriptRunner(link);
      const script = { name: "echo", text: "return ARGV[1]", sha1: "0".repeat(40), keyCount: 1 };
      await runner.run(script, ["canary-key"], ["canary-value"], GENEROUS_MS);
      await runner.runBatch([{ script, keys: ["canary-key"], args: ["canary-value"] }], GENEROUS_MS);
      await link.send((redis) => redis.get("canary-key"), GENEROUS_MS);
    } finally {
      for (const channel of channels) unsubscribe(channel, listener);
    }
    expect(traced.join()).toContain("application-key");
    expect(traced.join()).not.toContain("canary");
  },
);

test("a missing password is a reason for being down", async () => {
  const link = openLink(`redis://${server.host}:${server.port}`);
  await waitUntil(() => link.trouble === "NOAUTH");
  expect(link.state).toBe("down");
});

test("a wrong password is a reason for being down, and not shown", async () => {
  const written = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const link = openLink(`redis://:canary-wrong@${server.host}:${server.port}`);
  await waitUntil(() => link.trouble === "WRONGPASS");
  expect(link.state).toBe("down");
  for (const spy of written) expect(spy).not.toHaveBeenCalled();
});

describe("no option that is refused shows what may be a secret:", () => {
  const URL = "redis://:canary-password@127.0.0.1:1";
  const CANARIES: readonly unknown[] = [
    URL,
    "canary-secret",
    Symbol("canary-secret"),
    () => "canary-secret",
    ["canary-secret", URL],
    {
      anything: "canary-secret",
      [Symbol.toPrimitive]: () => "canary-secret",
      toString: () => "canary-secret",
    },
    Object.assign(new Error("canary-secret"), { toJSON: () => "canary-secret" }),
  ];
  const redis = "redis://127.0.0.1:1";
  type Construct = (canary: unknown) => unknown;
  const cluster =
    (options: (canary: unknown) => unknown): Construct =>
    (canary) =>
      new ClusterSingleflight(options(canary) as never);
  const core =
    (options: (canary: unknown) => unknown): Construct =>
    (canary) =>
      new Singleflight(options(canary) as never);
  const inPrefix = (options: (canary: unknown) => unknown): Construct =>
    cluster((canary) => ({ redis, prefixes: { "k:": options(canary) } }));

  const MISSPELT = ["secret", "Secrets", "password", "url", "redisUrl", "hmac"];
  const STRUCTURED = ["breaker", "logger", "observer", "handleSignals"];
  const constructors: readonly (readonly [string, Construct, readonly unknown[]])[] = [
    ["all options of a fleet", cluster((canary) => canary), CANARIES],
    [
      "the URL without its scheme",
      cluster((canary) => ({ redis: canary })),
      ["canary-password@127.0.0.1", "http://canary"],
    ],
    [
      "redis",
      cluster((canary) => ({ redis: canary })),
      [[URL], ["canary-secret"], Symbol("canary"), () => "canary"],
    ],
    [
      "redis.cluster",
      cluster((canary) => ({ redis: { cluster: canary } })),
      [URL, "canary-secret", Symbol("canary"), { anything: URL }],
    ],
    [
      "a node of redis.cluster",
      cluster((canary) => ({ redis: { cluster: [canary] } })),
      ["http://:canary-password@h", "canary-secret", Symbol("canary"), () => "canary"],
    ],
    [
      "secrets",
      cluster((secrets) => ({ redis, secrets })),
      ["canary", ["canary"], ["canary-secret-of-the-fleet", "canary"], { anything: URL }, Symbol("canary")],
    ],
    ...MISSPELT.flatMap((name) => [
      [`${name}, of a fleet`, cluster((canary) => ({ redis, [name]: canary })), CANARIES] as const,
      [`${name}, of a prefix`, inPrefix((canary) => ({ [name]: canary })), CANARIES] as const,
      [
        `${name}, of the breaker`,
        cluster((canary) => ({ redis, breaker: { [name]: canary } })),
        CANARIES,
      ] as const,
      [
        `${name}, of handleSignals`,
        cluster((canary) => ({ redis, handleSignals: { [name]: canary } })),
        CANARIES,
      ] as const,
      [`${name}, of core`, core((canary) => ({ [name]: canary })), CANARIES] as const,
    ]),
    ...["clock", "randomness"].map(
      (name) => [`${name}, if it is a URL`, cluster((canary) => ({ redis, [name]: canary })), [URL]] as const,
    ),
    ...STRUCTURED.map((name) => [name, cluster((canary) => ({ redis, [name]: canary })), CANARIES] as const),
    [
      "the options of a prefix",
      inPrefix((canary) => canary),
      ["canary-secret", URL, Symbol("canary"), () => "canary"],
    ],
    ["the schema of a prefix", inPrefix((schema) => ({ schema })), CANARIES],
    [
      "all options of core",
      core((canary) => canary),
      ["canary-secret", URL, Symbol("canary"), () => "canary", ["canary"]],
    ],
    ...["observer", "keyPrefixOf"].map(
      (name) =>
        [
          `${name}, of core`,
          core((canary) => ({ [name]: canary })),
          ["canary-secret", URL, Symbol("canary")],
        ] as const,
    ),
    [
      "namespace, if it is a URL",
      cluster((canary) => ({ redis, namespace: String(canary).repeat(9) })),
      [URL],
    ],
    ["the servers of a quorum", (canary) => quorum(canary as never), [...CANARIES, [URL], ["canary"]]],
    [
      "one server of a quorum",
      (canary) => quorum([canary, canary, canary] as never),
      ["http://:canary-password@h", "canary-secret", Symbol("canary"), URL],
    ],
  ];

  test.each(constructors)("%s", (_name, construct, canaries) => {
    for (const canary of canaries) {
      let refusal: unknown;
      try {
        construct(canary);
      } catch (error) {
        refusal = error;
      }
      expect(refusal).toBeInstanceOf(InvalidOptionError);
      expect(String(refusal)).not.toContain("canary");
      expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain("canary-");
    }
  });

  test("what is no secret is shown, so that the mistake can be found", () => {
    const refused = (options: unknown): string => {
      try {
        void new ClusterSingleflight(options as never).close();
      } catch (error) {
        return String(error);
      }
      return "taken";
    };
    expect(refused({ redis, leaseMs: 5 })).toContain("option leaseMs is 5: is not known");
    expect(refused({ redis, prefixes: { "k:": { leaseMs: "5s" } } })).toContain(
      'option prefixes["k:"].leaseMs is "5s"',
    );
    expect(refused({ redis, wakeup: "push" })).toContain('option wakeup is "push"');
    expect(refused({})).toContain("option redis is undefined");
  });
});
