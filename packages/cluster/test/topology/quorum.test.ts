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
const SOME = 20;
const KEYS = ["k:a", "k:b", "k:c"];
/** To a server and back, each: more than the least that a timer can wait. */
const NEAR_MS = 2;
const TIMEOUT_MS = 1_000;

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

  /** Over servers that are not its own to stop. */
  static over({ proxies }: Site, options: Partial<ClusterOptions>): Promise<QuorumFleet> {
    const urls = proxies.map(({ url }) => url);
    return QuorumFleet.#ready(new QuorumFleet([], urls, 3, options));
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

  /** Processes are elected and followed again and again, from now on, and fall back far less often than that. */
  async coordinates(what: string): Promise<void> {
    const before = {
      lead: this.total("lead"),
      follow: this.total("follow"),
      fallback: this.total("fallback"),
    };
    const since = (type: keyof typeof before): number => this.total(type) - before[type];
    await waitUntil(() => since("lead") > SOME && since("follow") > SOME, {
      what: `coordination ${what}`,
      timeoutMs: 60_000,
    });
    expect(since("fallback"), `fallbacks ${what}`).toBeLessThan((since("lead") + since("follow")) / 2);
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

/** Servers some way off. */
class Site implements AsyncDisposable {
  readonly servers: readonly RedisServer[];
  readonly proxies: readonly TcpProxy[];

  private constructor(servers: readonly RedisServer[], proxies: readonly TcpProxy[]) {
    this.servers = servers;
    this.proxies = proxies;
  }

  static async open(count: number): Promise<Site> {
    const servers = await startServers(count);
    const proxies = await Promise.all(servers.map(({ port }) => TcpProxy.start({ targetPort: port })));
    for (const proxy of proxies) proxy.delay({ ms: NEAR_MS });
    return new Site(servers, proxies);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await Promise.all(this.servers.map((server) => server.resume()));
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

/** All choices of one of three servers, and of two of five. */
const MINORITIES = [
  { count: 3, minorities: [[0], [1], [2]] },
  {
    count: 5,
    minorities: [0, 1, 2, 3].flatMap((first) => [1, 2, 3, 4].slice(first).map((second) => [first, second])),
  },
];

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
      const work = new HeldWork<string>();
      const before = fleet.total("follow");
      const flights = fleet.members.map((member) => member.flights.fly(`k:${round}`, work.run));
      await waitUntil(() => fleet.total("follow") === before + 3, { what: "three followers" });
      work.end(`round ${round}`);
      const results = await Promise.all(flights);
      expect(work.executions).toBe(1);
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

  it.each(MINORITIES)(
    "any minority of $count servers may hang under load",
    { timeout: 240_000 },
    async ({ count, minorities }) => {
      await using site = await Site.open(count);
      for (const minority of minorities) {
        await using fleet = await QuorumFleet.over(site, { redisTimeoutMs: 500 });
        const load = fleet.load();
        await fleet.coordinates("with all");
        const hung = site.servers.filter((_, index) => minority.includes(index));
        await Promise.all(hung.map((server) => server.pause()));
        await fleet.coordinates(`without ${minority.join(" and ")}`);
        await Promise.all(hung.map((server) => server.resume()));
        await fleet.coordinates(`with ${minority.join(" and ")} again`);
        await expectCoordinated(load);
      }
    },
  );

  it.each([
    ["in time, but slow beside its peers", 150],
    ["too late, always", TIMEOUT_MS * 0.6],
  ])("any of three may answer %s, under load", { timeout: 240_000 }, async (_how, ms) => {
    await using site = await Site.open(SERVERS);
    for (const [index, slow] of site.proxies.entries()) {
      await using fleet = await QuorumFleet.over(site, { redisTimeoutMs: TIMEOUT_MS });
      const load = fleet.load();
      await fleet.coordinates("with all");
      slow.delay({ ms });
      await fleet.coordinates(`with ${index} slow`);
      slow.delay({ ms: NEAR_MS });
      await fleet.coordinates(`with ${index} well`);
      await expectCoordinated(load);
    }
  });

  it("a hung one delays no call by the time it may take, whatever the key's home", async () => {
    const redisTimeoutMs = 2_000;
    await using fleet = await QuorumFleet.start(1, {
      redisTimeoutMs,
      prefixes: { "k:": { leaseMs: 60_000 } },
    });
    const starts = async (key: string): Promise<number> => {
      const calledAt = performance.now();
      let startedAt = Infinity;
      const { role } = await fleet.at(0).fly(key, () => void (startedAt = performance.now()));
      expect(role).toBe("leader");
      return startedAt - calledAt;
    };
    await starts("k:1");
    const hung = fleet.home("k:1");
    await hung.pause();
    const others = ["k:2", "k:3", "k:4", "k:5", "k:6"].filter((key) => fleet.home(key) !== hung);
    for (const key of others) expect(await starts(key)).toBeLessThan(redisTimeoutMs * 0.7);
    for (let call = 0; call < 5; call++) expect(await starts("k:1")).toBeLessThan(redisTimeoutMs * 0.7);
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
    [
      ["redis://127.0.0.1:1", "redis://127.0.0.1:2", "redis://127.0.0.1:3?keyPrefix=app:"],
      /keyPrefix.*"app:".*namespace/,
    ],
    [
      ["redis://127.0.0.1:1", "redis://127.0.0.1:2", { cluster: ["redis://127.0.0.1:3"] }],
      /Redis Cluster.*each for itself/,
    ],
    ["redis://127.0.0.1:1", /list/],
  ])("refuses %j, naming the rule", (servers, rule) => {
    expect(() => quorum(servers as string[])).toThrow(InvalidOptionError);
    expect(() => quorum(servers as string[])).toThrow(rule);
  });
});
