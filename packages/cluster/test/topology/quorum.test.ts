/** Three independent servers: any minority may die, hang or come back empty, and no call is lost. */
import { RedisServer, waitUntil } from "@skein/testkit";
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { quorum } from "@skein/cluster/quorum";
import { InvalidOptionError } from "@skein/core";
import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { HeldWork } from "../coalescing/fleet-of-instances.ts";
import { WAKEUP } from "../wakeup.ts";

const SERVERS = 3;

class QuorumFleet {
  readonly servers: readonly RedisServer[];
  readonly members: readonly { readonly flights: ClusterSingleflight; readonly events: ClusterEvent[] }[];

  private constructor(servers: readonly RedisServer[], count: number, options: Partial<ClusterOptions>) {
    this.servers = servers;
    this.members = Array.from({ length: count }, () => {
      const events: ClusterEvent[] = [];
      const flights = new ClusterSingleflight({
        redis: quorum(servers.map(({ url }) => url)),
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
    const servers = await Promise.all(Array.from({ length: SERVERS }, () => RedisServer.start()));
    const fleet = new QuorumFleet(servers, count, options);
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

  it("no call is lost under load, whichever server dies and comes back", async () => {
    await using fleet = await QuorumFleet.start(3);
    let stop = false;
    let calls = 0;
    const failures: unknown[] = [];
    const load = fleet.members.map(async ({ flights }, index) => {
      for (let call = 0; !stop; call++) {
        calls++;
        try {
          await flights.do(`k:${call % 7}`, async () => {
            await new Promise((resolve) => setTimeout(resolve, 5));
            return index;
          });
        } catch (error) {
          failures.push(error);
        }
      }
    });
    for (const server of fleet.servers) {
      const before = calls;
      await server.kill();
      await waitUntil(() => calls > before + 50, { what: "calls without it", timeoutMs: 60_000 });
      await server.restart();
      const then = calls;
      await waitUntil(() => calls > then + 50, { what: "calls with it", timeoutMs: 60_000 });
    }
    stop = true;
    await Promise.all(load);
    expect(failures).toEqual([]);
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
