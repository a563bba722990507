/** Independent servers: any minority may die, hang, be slow or come back empty; no call is lost, and all are coordinated. */
import { RedisServer, TcpProxy, waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import { InvalidOptionError } from "@skein/core";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { HeldWork } from "../coalescing/fleet-of-instances.ts";
import { WAKEUP } from "../wakeup.ts";
import { Load } from "./load.ts";

const SERVERS = 3;
/** Elections, or flights followed, that show that coordination goes on. */
const SOME = 30;
const KEYS = ["k:a", "k:b", "k:c"];

class QuorumFleet {
  readonly servers: readonly RedisServer[];
  readonly members: readonly { readonly flights: ClusterSingleflight; readonly events: ClusterEvent[] }[];

  private constructor(
    servers: readonly RedisServer[],
    urls: readonly string[],
    count: number,
    options: Partial<ClusterOptions>,
  ) {
    this.servers = servers;
    this.members = Array.from({ length: count }, () => {
      const events: ClusterEvent[] = [];
      const flights = new ClusterSingleflight({
        redis: quorum(urls),
        namespace: "test",
        prefixes: { "k:": { leaseMs: 2_000 } },
        redisTimeoutMs: 2_000,
        pollEveryMs: 200,
        wakeup: WAKEUP,
        observer: { onEvent: (event) => void events.push(event) },
        ...options,
      });
      return { flights, events };
    });
  }

  static async start(count: number, options: Partial<ClusterOptions> = {}): Promise<QuorumFleet> {
    const servers = await startServers(SERVERS);
    const urls = servers.map(({ url }) => url);
    return QuorumFleet.#ready(new QuorumFleet(servers, urls, count, options));
  }

  /** Over servers that are others' to stop. */
  static over(
    urls: readonly string[],
    count: number,
    options: Partial<ClusterOptions>,
  ): Promise<QuorumFleet> {
    return QuorumFleet.#ready(new QuorumFleet([], urls, count, options));
  }

  static async #ready(fleet: QuorumFleet): Promise<QuorumFleet> {
    await Promise.all(fleet.members.map(({ flights }) => flights.ready()));
    return fleet;
  }

  at(index: number): ClusterSingleflight {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member.flights;
  }

  count(index: number, type: ClusterEvent["type"]): number {
    return this.members[index]?.events.filter((event) => event.type === type).length ?? 0;
  }

  /** In all members. */
  total(type: ClusterEvent["type"]): number {
    return this.members.reduce((total, _member, index) => total + this.count(index, type), 0);
  }

  load(): Load {
    return new Load(
      this.members.map(({ flights }) => flights),
      KEYS,
    );
  }

  /** From now on processes are elected and followed, again and again. */
  async coordinates(what: string): Promise<void> {
    const [leads, follows] = [this.total("lead"), this.total("follow")];
    await waitUntil(() => this.total("lead") > leads + SOME && this.total("follow") > follows + SOME, {
      what: `coordination ${what}`,
      timeoutMs: 60_000,
    });
  }

  /** The server at which this key is asked for first. */
  home(key: string): RedisServer {
    return this.servers[crc32(`test:${key}`) % SERVERS] as RedisServer;
  }

  async leads(index: number, key: string, work: HeldWork<string>): Promise<{ answer: Promise<unknown> }> {
    const answer = this.at(index).fly(key, work.run);
    answer.catch(() => undefined);
    await work.begun;
    return { answer };
  }

  async follows(index: number, key: string, own = "own"): Promise<{ answer: Promise<unknown> }> {
    const before = this.count(index, "follow");
    const answer = this.at(index).fly(key, () => own);
    answer.catch(() => undefined);
    await waitUntil(() => this.count(index, "follow") > before, { what: "a follower", timeoutMs: 20_000 });
    return { answer };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map(({ flights }) => flights.close({ drainMs: 0 })));
    await Promise.all(
      this.servers.map(async (server) => {
        await server.resume();
        await server.stop();
      }),
    );
  }
}

async function startServers(count: number): Promise<RedisServer[]> {
  return Promise.all(Array.from({ length: count }, () => RedisServer.start()));
}

/** Every call answered with its value, most of them by coordination, and fewer executions than calls. */
async function expectCoordinated(load: Load): Promise<void> {
  const { calls, executions, lost, fallbacks } = await load.end();
  const local = Object.values(fallbacks).reduce((sum, count) => sum + count, 0);
  expect(lost).toEqual([]);
  expect(executions).toBeLessThan(calls);
  expect(local, `of ${calls} calls: ${JSON.stringify(fallbacks)}`).toBeLessThan(calls / 2);
}

describe("a quorum", () => {
  it("elects one leader among many processes, and all get its outcome", async () => {
    await using fleet = await QuorumFleet.start(4);
    for (let round = 0; round < 10; round++) {
      let executions = 0;
      const work = async (): Promise<string> => {
        executions++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return `round ${round}`;
      };
      const results = await Promise.all(fleet.members.map(({ flights }) => flights.fly(`k:${round}`, work)));
      expect(executions).toBe(1);
      expect(new Set(results.map(({ value }) => value))).toEqual(new Set([`round ${round}`]));
      expect(new Set(results.map(({ flightId }) => flightId)).size).toBe(1);
      expect(results.map(({ role }) => role).toSorted()).toEqual([
        "follower",
        "follower",
        "follower",
        "leader",
      ]);
    }
  });

  it("leaves nothing on any server once all is quiet", async () => {
    await using fleet = await QuorumFleet.start(2, { prefixes: { "k:": { leaseMs: 500, retainMs: 100 } } });
    await fleet.at(0).do("k:1", () => "v");
    for (const server of fleet.servers) {
      const admin = server.client();
      await waitUntil(async () => (await admin.dbsize()) === 0, {
        what: "an empty server",
        timeoutMs: 20_000,
      });
    }
  });

  it("takes an error of the work to followers, and forgets a key on all servers", async () => {
    await using fleet = await QuorumFleet.start(2);
    const work = new HeldWork<string>();
    const { answer: led } = await fleet.leads(0, "k:1", work);
    const { answer: followed } = await fleet.follows(1, "k:1");
    work.fail(Object.assign(new Error("no row"), { code: "E_ROW" }));
    await expect(led).rejects.toThrow("no row");
    await expect(followed).rejects.toMatchObject({ code: "E_ROW" });
    const held = new HeldWork<string>();
    await fleet.leads(0, "k:2", held);
    expect(await fleet.at(1).forget("k:2")).toBe(true);
    expect(await fleet.at(1).fly("k:2", () => "anew")).toMatchObject({ value: "anew", role: "leader" });
    held.end("old");
  });
});

describe("with a minority of the servers gone", () => {
  const faults: Record<string, (server: RedisServer) => Promise<unknown>> = {
    killed: (server) => server.kill(),
    stopped: (server) => server.pause(),
  };
  for (const [how, inflict] of Object.entries(faults)) {
    it(`(the key's home, ${how}) followers get their outcome, and new calls are coordinated`, async () => {
      await using fleet = await QuorumFleet.start(3);
      const work = new HeldWork<string>();
      const { answer: led } = await fleet.leads(0, "k:1", work);
      const { answer: followed } = await fleet.follows(1, "k:1");
      await inflict(fleet.home("k:1"));
      const { answer: late } = await fleet.follows(2, "k:1");
      work.end("kept");
      expect(await led).toMatchObject({ value: "kept", role: "leader" });
      expect(await followed).toMatchObject({ value: "kept", role: "follower" });
      expect(await late).toMatchObject({ value: "kept", role: "follower" });
      await waitUntil(async () => (await fleet.at(1).fly("k:1", () => "next")).role === "leader", {
        what: "a coordinated call",
        timeoutMs: 20_000,
      });
    });
  }

  it("a server that comes back empty is told who leads, and elects nobody else", async () => {
    await using fleet = await QuorumFleet.start(2, {
      prefixes: { "k:": { leaseMs: 3_000, renewEveryMs: 200 } },
    });
    const work = new HeldWork<string>();
    const { answer } = await fleet.leads(0, "k:1", work);
    const home = fleet.home("k:1");
    await home.kill();
    await home.restart();
    const admin = home.client();
    await waitUntil(async () => (await admin.exists("skein1:{test:k:1}:lease")) === 1, {
      what: "the lease on the server that came back",
      timeoutMs: 20_000,
    });
    const { answer: followed } = await fleet.follows(1, "k:1");
    work.end("one");
    expect(await answer).toMatchObject({ value: "one", role: "leader" });
    expect(await followed).toMatchObject({ value: "one", role: "follower" });
    expect(work.executions).toBe(1);
  });

  it("an outcome that the others retain is not lost with the home server, which comes back empty", async () => {
    await using fleet = await QuorumFleet.start(2, {
      prefixes: { "k:": { leaseMs: 20_000, renewEveryMs: 10_000, retainMs: 60_000 } },
    });
    const work = new HeldWork<string>();
    const { answer: led } = await fleet.leads(0, "k:1", work);
    const { answer: followed } = await fleet.follows(1, "k:1", "a second execution");
    await fleet.home("k:1").kill();
    await fleet.home("k:1").restart();
    work.end("kept");
    expect(await led).toMatchObject({ value: "kept", role: "leader" });
    expect(await followed).toMatchObject({ value: "kept", role: "follower" });
  });

  it("no call is lost under load, whichever server dies and comes back, and all are coordinated", async () => {
    await using fleet = await QuorumFleet.start(3);
    const load = fleet.load();
    for (const [index, server] of fleet.servers.entries()) {
      await server.kill();
      await fleet.coordinates(`without server ${index}`);
      await server.restart();
      await fleet.coordinates(`with server ${index} again`);
    }
    await expectCoordinated(load);
  });

  it.each([
    { servers: 3, minorities: [[0], [1], [2]] },
    {
      servers: 5,
      minorities: [0, 1, 2, 3].flatMap((first) => [1, 2, 3, 4].slice(first).map((second) => [first, second])),
    },
  ])(
    "any of $servers servers, fewer than half, may hang under load",
    { timeout: 120_000 },
    async ({ servers: count, minorities }) => {
      const servers = await startServers(count);
      try {
        for (const minority of minorities) {
          await using fleet = await QuorumFleet.over(
            servers.map(({ url }) => url),
            3,
            {},
          );
          const load = fleet.load();
          await fleet.coordinates("with all");
          const hung = minority.map((index) => servers[index] as RedisServer);
          await Promise.all(hung.map((server) => server.pause()));
          await fleet.coordinates(`without ${minority.join(" and ")}`);
          await Promise.all(hung.map((server) => server.resume()));
          await fleet.coordinates(`with ${minority.join(" and ")} again`);
          await expectCoordinated(load);
        }
      } finally {
        await Promise.all(servers.map((server) => server.resume()));
        await Promise.all(servers.map((server) => server.stop()));
      }
    },
  );

  // Slower than it may be, so that its breaker opens; and in time, but slow beside its peers.
  it.each([250, 2_000])(
    "any of three servers may be slow under load (redisTimeoutMs %i)",
    { timeout: 120_000 },
    async (redisTimeoutMs) => {
      const servers = await startServers(SERVERS);
      const proxies = await Promise.all(servers.map(({ port }) => TcpProxy.start({ targetPort: port })));
      try {
        for (const [index, slow] of proxies.entries()) {
          await using fleet = await QuorumFleet.over(
            proxies.map(({ url }) => url),
            3,
            { redisTimeoutMs },
          );
          const load = fleet.load();
          await fleet.coordinates("with all");
          slow.delay({ ms: 150 });
          await fleet.coordinates(`with ${index} slow`);
          slow.delay({ ms: 0 });
          await fleet.coordinates(`with ${index} well`);
          await expectCoordinated(load);
        }
      } finally {
        await Promise.all(proxies.map((proxy) => proxy.stop()));
        await Promise.all(servers.map((server) => server.stop()));
      }
    },
  );

  it("one that hangs delays no call by the time it may take, and once it is known, by nothing like it", async () => {
    const redisTimeoutMs = 10_000;
    await using fleet = await QuorumFleet.start(1, { redisTimeoutMs });
    const startsWithin = async (key: string): Promise<number> => {
      const calledAt = performance.now();
      let startedAt = calledAt;
      const result = await fleet.at(0).fly(key, () => {
        startedAt = performance.now();
      });
      expect(result.role).toBe("leader");
      return startedAt - calledAt;
    };
    await startsWithin("k:1");
    await fleet.home("k:1").pause();
    // The home server gets a share of the time.
    expect(await startsWithin("k:1")).toBeLessThan(redisTimeoutMs * 0.7);
    expect(await startsWithin("k:1")).toBeLessThan(redisTimeoutMs * 0.2);
    // Whose homes are the others.
    for (const key of ["k:2", "k:3", "k:4", "k:5"]) {
      expect(await startsWithin(key)).toBeLessThan(redisTimeoutMs * 0.2);
    }
  });
});

describe("with a majority gone", () => {
  it("calls run in their process, and are coordinated again when it is back", async () => {
    await using fleet = await QuorumFleet.start(2);
    const [first, second] = fleet.servers as [RedisServer, RedisServer];
    await Promise.all([first.kill(), second.kill()]);
    const alone = await fleet.at(0).fly("k:1", () => "alone");
    expect(alone).toMatchObject({ value: "alone", role: "local" });
    await Promise.all([first.restart(), second.restart()]);
    await waitUntil(async () => (await fleet.at(0).fly("k:1", () => "v")).role === "leader", {
      what: "a coordinated call",
      timeoutMs: 30_000,
    });
  });
});

describe("quorum()", () => {
  const sentinels = [
    { host: "127.0.0.1", port: 1 },
    { host: "127.0.0.1", port: 2 },
  ];

  it("takes primaries that Sentinels know by different names", () => {
    const named = (name: string) => ({ sentinels, name });
    expect(() => quorum([named("a"), named("b"), named("c")])).not.toThrow();
    const twice = [named("a"), named("b"), { sentinels: sentinels.toReversed(), name: "a" }];
    expect(() => quorum(twice)).toThrow(/a of the Sentinels 127\.0\.0\.1:1, 127\.0\.0\.1:2.*once/);
  });

  it.each([
    [[], /odd number/],
    [["redis://127.0.0.1:1", "redis://127.0.0.1:2"], /odd number/],
    [
      ["redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:3", "redis://127.0.0.1:4"],
      /odd number/,
    ],
    [["redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:1"], /127\.0\.0\.1:1.*once/],
    [["redis://127.0.0.1:1", "redis://127.0.0.1:2", "http://127.0.0.1:3"], /redis/],
    ["redis://127.0.0.1:1", /list/],
  ])("refuses %j, naming the rule", (servers, rule) => {
    expect(() => quorum(servers as string[])).toThrow(InvalidOptionError);
    expect(() => quorum(servers as string[])).toThrow(rule);
  });
});
