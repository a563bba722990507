/** What prefixes, limits and modes change. */
import { AsyncLocalStorage } from "node:async_hooks";
import { RedisServer, waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { ClusterSingleflight } from "@skein/cluster";
import { oneServer } from "../topology/redis-topology.ts";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

describe("prefixes", () => {
  it.runIf(oneServer)(
    "a key without a declared prefix is coalesced in process, and Redis hears nothing of it",
    async () => {
      await using fleet = await FleetOfInstances.start(2);
      const scriptsRun = async (): Promise<number> => {
        const { evalsha, eval: plain, publish } = await fleet.redis.commandStats();
        return (evalsha?.calls ?? 0) + (plain?.calls ?? 0) + (publish?.calls ?? 0);
      };
      const before = await scriptsRun();
      const work = new HeldWork<string>();
      const calls = [fleet.at(0).fly("cold:1", work.run), fleet.at(0).fly("cold:1", work.run)];
      expect(work.executions).toBe(1);
      work.end("local");
      for (const result of await Promise.all(calls)) {
        expect(result).toMatchObject({ role: "local", shared: true });
        // Present, since a prefix could have been declared: nothing failed.
        expect(result).toHaveProperty("fallbackReason", null);
      }
      expect(await scriptsRun()).toBe(before);
    },
  );

  it("the longest declared prefix decides", async () => {
    const prefixes = { "k:": { shadow: true }, "k:real:": {} };
    await using fleet = await FleetOfInstances.start(1, { prefixes });
    expect((await fleet.at(0).fly("k:1", () => 1)).role).toBe("local");
    expect((await fleet.at(0).fly("k:real:1", () => 1)).role).toBe("leader");
  });

  it("keys that look like properties, globs or hash tags are keys like others", async () => {
    await using fleet = await FleetOfInstances.start(2);
    for (const key of ["k:__proto__", "k:{a}b", "k:*", "k: \n", "k:\ud800", "k:ü", `k:${"x".repeat(900)}`]) {
      const work = new HeldWork<string>();
      const led = fleet.at(0).do(key, work.run);
      await work.begun;
      const before = fleet.count(1, "follow");
      const followed = fleet.at(1).fly(key, () => "own");
      await waitUntil(() => fleet.count(1, "follow") > before, { what: key });
      work.end(key);
      expect(await led).toBe(key);
      expect(await followed).toMatchObject({ role: "follower" });
    }
  });

  it("an empty key and one over maxKeyBytes are refused, without showing it", async () => {
    await using fleet = await FleetOfInstances.start(1, { maxKeyBytes: 10 });
    for (const key of ["", "k:secret-secret"]) {
      await expect(fleet.at(0).do(key, () => 1)).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_KEY" });
      await expect(fleet.at(0).do(key, () => 1)).rejects.not.toThrow("secret");
    }
  });
});

describe("shadow", () => {
  it("runs every call at once and counts those that would have waited", async () => {
    await using fleet = await FleetOfInstances.start(3, { prefixes: { "k:": { shadow: true } } });
    const works = [0, 1, 2].map(() => new HeldWork<number>());
    const calls = works.map((work, index) => fleet.at(index).fly("k:shadow", work.run));
    for (const work of works) expect(work.executions).toBe(1);
    await waitUntil(
      () => [0, 1, 2].reduce((sum, index) => sum + fleet.count(index, "shadow-saved"), 0) === 2,
      {
        what: "two calls counted as saved",
      },
    );
    works.forEach((work, index) => work.end(index));
    expect((await Promise.all(calls)).map(({ value, role }) => [value, role])).toEqual([
      [0, "local"],
      [1, "local"],
      [2, "local"],
    ]);
  });
});

describe("waiting", () => {
  it("ends after waitTimeoutMs with a local run", async () => {
    const prefixes = { "k:": { maxAgeMs: 300, waitTimeoutMs: 400, leaseMs: 10_000 } };
    await using fleet = await FleetOfInstances.start(2, (index) => (index === 1 ? { prefixes } : {}));
    const work = new HeldWork<string>();
    const led = fleet.at(0).do("k:slow", work.run);
    await work.begun;
    expect(await fleet.at(1).fly("k:slow", () => "own")).toMatchObject({
      role: "local",
      fallbackReason: "wait-timeout",
      value: "own",
    });
    work.end("late");
    expect(await led).toBe("late");
  });

  it("ends after waitTimeoutMs with a typed error, if so configured", async () => {
    const prefixes = { "k:": { maxAgeMs: 300, waitTimeoutMs: 400, onWaitTimeout: "error" as const } };
    await using fleet = await FleetOfInstances.start(2, (index) => (index === 1 ? { prefixes } : {}));
    const work = new HeldWork<string>();
    const led = fleet.at(0).do("k:slow", work.run);
    await work.begun;
    await expect(fleet.at(1).do("k:slow", () => "own")).rejects.toMatchObject({
      code: "ERR_SKEIN_WAIT_TIMEOUT",
    });
    work.end("late");
    await led;
  });

  it("for work that never resolves goes on with a successor at maxAgeMs, and aborts that work", async () => {
    const prefixes = { "k:": { maxAgeMs: 300 } };
    await using fleet = await FleetOfInstances.start(2, { prefixes });
    const hung = new HeldWork<string>();
    const own = fleet.at(0).do("k:hung", hung.run, { timeoutMs: 3_000 });
    own.catch(() => undefined);
    await hung.begun;
    expect(await fleet.at(1).fly("k:hung", () => "successor")).toMatchObject({
      role: "leader",
      value: "successor",
      takeovers: 1,
    });
    expect(hung.signal?.reason).toMatchObject({ code: "ERR_SKEIN_AGED" });
    hung.end("at last");
    expect(await own).toBe("at last");
  });
});

describe("without Redis", () => {
  const nowhere = { redis: "redis://127.0.0.1:1", namespace: "test", redisTimeoutMs: 50 };

  it("ready() resolves, and calls run here and say why", async () => {
    await using flights = new ClusterSingleflight({ ...nowhere, prefixes: ["k:"] });
    await flights.ready();
    expect(await flights.fly("k:1", () => "here")).toMatchObject({
      role: "local",
      fallbackReason: "unavailable",
    });
    expect(await flights.forget("k:1")).toBe(false);
  });

  it("calls of one process are still coalesced", async () => {
    await using flights = new ClusterSingleflight({ ...nowhere, prefixes: ["k:"] });
    const work = new HeldWork<string>();
    const calls = Array.from({ length: 100 }, () => flights.do("k:many", work.run));
    await work.begun;
    work.end("once");
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["once"]));
    expect(work.executions).toBe(1);
  });

  it("calls are refused when the prefix says so, or when too many run alone", async () => {
    const prefixes = { "e:": { onUnavailable: "error" as const }, "l:": { maxFallbackConcurrency: 1 } };
    await using flights = new ClusterSingleflight({ ...nowhere, prefixes });
    await expect(flights.do("e:1", () => 1)).rejects.toMatchObject({ code: "ERR_SKEIN_UNAVAILABLE" });
    const work = new HeldWork<number>();
    const first = flights.do("l:1", work.run);
    await work.begun;
    await expect(flights.do("l:2", () => 2)).rejects.toMatchObject({ code: "ERR_SKEIN_FALLBACK_LIMIT" });
    work.end(1);
    expect(await first).toBe(1);
    expect(await flights.do("l:2", () => 2)).toBe(2);
  });
});

describe("shadowed work that does not end", () => {
  const shadowed = (more: object): object => ({ prefixes: { "k:": { shadow: true, ...more } } });
  const lease = "skein1:{test:k:1}:lease";

  it.runIf(oneServer)(
    "is aborted at maxAgeMs, and its lease given back, though nobody calls again",
    async () => {
      await using fleet = await FleetOfInstances.start(1, shadowed({ maxAgeMs: 1_000 }));
      const work = new HeldWork<string>();
      const call = fleet.at(0).do("k:1", work.run);
      await work.begun;
      const client = fleet.redis.client();
      await waitUntil(async () => (await client.exists(lease)) === 1, { what: "the lease" });
      await waitUntil(() => work.signal?.aborted === true, { what: "the abort" });
      expect(work.signal?.reason).toMatchObject({ code: "ERR_SKEIN_AGED" });
      await waitUntil(async () => (await client.exists(lease)) === 0, { what: "the end of the lease" });
      work.end("late");
      expect(await call).toBe("late");
    },
  );

  it.runIf(oneServer)(
    "is aborted when its last caller leaves, and its lease given back, although it hangs",
    async () => {
      await using fleet = await FleetOfInstances.start(1, shadowed({ leaseMs: 600_000 }));
      const work = new HeldWork<string>();
      const leaving = new AbortController();
      const call = fleet.at(0).do("k:1", work.run, { signal: leaving.signal });
      await work.begun;
      const client = fleet.redis.client();
      await waitUntil(async () => (await client.exists(lease)) === 1, { what: "the lease" });
      leaving.abort(new Error("gone"));
      await expect(call).rejects.toThrow("gone");
      expect(work.signal?.aborted).toBe(true);
      await waitUntil(async () => (await client.exists(lease)) === 0, { what: "the end of the lease" });
    },
  );

  it.runIf(oneServer)("is no longer joined once another process has forgotten the key", async () => {
    await using fleet = await FleetOfInstances.start(2, shadowed({}));
    const [old, young] = [new HeldWork<string>(), new HeldWork<string>()];
    const first = fleet.at(0).do("k:1", old.run);
    await old.begun;
    const client = fleet.redis.client();
    await waitUntil(async () => (await client.exists(lease)) === 1, { what: "the lease" });
    expect(await fleet.at(1).forget("k:1")).toBe(true);
    let second: Promise<string> | undefined;
    await waitUntil(
      () => {
        second = fleet.at(0).do("k:1", young.run);
        return young.executions === 1;
      },
      { what: "a new execution" },
    );
    old.end("old");
    young.end("young");
    expect(await first).toBe("old");
    expect(await second).toBe("young");
  });
});

describe("the work", () => {
  it("that asks for its own key gets a typed error instead of waiting for itself", async () => {
    await using fleet = await FleetOfInstances.start(1);
    const call = fleet.at(0).do("k:self", () => fleet.at(0).do("k:self", () => 1));
    await expect(call).rejects.toMatchObject({ code: "ERR_SKEIN_REENTRANT" });
  });

  it("may ask for other keys, cold and coordinated", async () => {
    await using fleet = await FleetOfInstances.start(1);
    const call = fleet
      .at(0)
      .do("k:a", () => fleet.at(0).do("k:b", () => fleet.at(0).do("cold", () => "deep")));
    expect(await call).toBe("deep");
  });

  it("runs in the asynchronous context of the caller that started the flight", async () => {
    await using fleet = await FleetOfInstances.start(1);
    const request = new AsyncLocalStorage<string>();
    const seen = await request.run("request 7", () =>
      fleet.at(0).do("k:context", async () => request.getStore()),
    );
    expect(seen).toBe("request 7");
  });

  it("is told its fencing token, which grows from flight to flight", async () => {
    await using fleet = await FleetOfInstances.start(1);
    const tokens: string[] = [];
    for (let flight = 0; flight < 3; flight++) {
      await fleet.at(0).do("k:token", (_signal, { fencingToken, flightId }) => {
        expect(flightId).toBe(fencingToken);
        tokens.push(fencingToken ?? "");
      });
    }
    const grants = tokens.map((token) => Number(token.split("-")[0]));
    expect(grants).toEqual(grants.toSorted((a, b) => a - b));
    expect(new Set(tokens).size).toBe(3);
  });
});

describe("construction", () => {
  it("names option, value and rule of what it refuses", () => {
    const refused = (options: object): unknown => {
      try {
        void new ClusterSingleflight({ redis: "redis://127.0.0.1:1", ...options }).close();
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refused({ prefixes: { "u:": { leaseMs: 10 } } })).toMatch(/leaseMs.*10.*500/);
    expect(refused({ prefixes: { "u:": { maxAgeMs: 90_000 } } })).toMatch(
      /waitTimeoutMs.*60000.*exceed maxAgeMs/,
    );
    expect(refused({ prefixes: { "u:": { freshMs: 9_000 } } })).toMatch(/freshMs.*9000.*retainMs/);
    expect(refused({ prefixes: { "u:": { leese: 1 } } })).toMatch(/leese.*known/);
    expect(refused({ redisTimeout: 1 })).toMatch(/redisTimeout.*known/);
    expect(refused({ redis: { keyPrefix: "app:" } })).toMatch(/keyPrefix/);
    expect(refused({ redis: 7 })).toMatch(/redis/);
    // What core checks is checked here as well, and named as itself.
    for (const observer of [null, 5, {}, [{}], () => undefined]) {
      expect(refused({ observer })).toMatch(/observer.*onEvent/);
    }
    for (const option of [
      "maxEntries",
      "maxAgeMs",
      "onFull",
      "maxWaiters",
      "timeoutMs",
      "detectReentry",
      "exposeKeys",
      "clock",
      "randomness",
    ]) {
      expect(refused({ [option]: "wrong", prefixes: ["u:"] })).toMatch(
        new RegExp(`option ${option} is .*wrong`),
      );
    }
    expect(refused({ maxEntries: 0 })).toMatch(/maxEntries.*0/);
    expect(refused({ redis: "http://:hunter2@host" })).not.toMatch(/hunter2/);
  });

  it("takes a client of the application, and leaves it alone", async () => {
    await using redis = await RedisServer.start();
    const client = redis.client();
    await client.ping();
    await using flights = new ClusterSingleflight({ redis: client, prefixes: ["k:"] });
    await flights.ready();
    expect((await flights.fly("k:1", () => 1)).role).toBe("leader");
    await flights.close();
    expect(await client.ping()).toBe("PONG");
  });

  it("refuses new calls after close, and says so", async () => {
    await using fleet = await FleetOfInstances.start(1);
    await fleet.at(0).close();
    await fleet.at(0).close();
    await expect(fleet.at(0).do("k:1", () => 1)).rejects.toMatchObject({ code: "ERR_SKEIN_CLOSED" });
  });
});
