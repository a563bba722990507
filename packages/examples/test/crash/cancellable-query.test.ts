/** The example of a `pg` query that is really cancelled, on a real Postgres. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Singleflight } from "@skein/core";
import { waitUntil } from "@skein/testkit";
import { Pool, type PoolConfig } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Postgres } from "../../src/demo/postgres.ts";
import { cancellableQuery, type QueryPools } from "../../src/work/cancellable-query.ts";

let runDir: string;
let postgres: Postgres;
let observer: Pool;
/** Of every connection: a pool says that it has ended while its last sockets are still closing. */
const closings: Promise<unknown>[] = [];

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "skein-cancel-"));
  postgres = await Postgres.start(runDir);
  observer = createPool();
});

afterAll(async () => {
  await observer.end();
  await Promise.all(closings);
  await postgres[Symbol.asyncDispose]();
  await rm(runDir, { recursive: true, force: true });
});

/** The server is stopped while a pool's last sockets may still be closing: what they then say is no failure. */
function createPool(options: PoolConfig = {}): Pool {
  const pool = new Pool({ connectionString: postgres.url, max: 1, ...options });
  pool.on("error", () => undefined);
  pool.on("connect", (client) => {
    client.on("error", () => undefined);
    closings.push(new Promise((resolve) => client.once("end", resolve)));
  });
  return pool;
}

function pools(options: PoolConfig = {}): QueryPools & AsyncDisposable {
  const queries = createPool(options);
  const cancels = createPool();
  return {
    queries,
    cancels,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([queries.end(), cancels.end()]);
    },
  };
}

async function sleeping(): Promise<number> {
  const { rows } = await observer.query<{ count: string }>(
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'",
  );
  return Number(rows[0]?.count);
}

describe("a query whose callers have all left", () => {
  it("is gone from the database within a second", async () => {
    await using pair = pools();
    const flights = new Singleflight();
    const caller = new AbortController();
    const call = flights.do("slow", (signal) => cancellableQuery(pair, "SELECT pg_sleep(60)", [], signal), {
      signal: caller.signal,
    });
    call.catch(() => undefined);
    await waitUntil(async () => (await sleeping()) === 1, { what: "the query in the database" });
    const leftAt = performance.now();
    caller.abort(new Error("left"));
    await expect(call).rejects.toThrow("left");
    await waitUntil(async () => (await sleeping()) === 0, { what: "the query's end" });
    expect(performance.now() - leftAt).toBeLessThan(5_000);
  });

  it("is ended by statement_timeout when the cancel cannot be sent", async () => {
    await using pair = pools({ statement_timeout: 300 });
    const nowhere = new Pool({ connectionString: "postgres://127.0.0.1:1/none", max: 1 });
    const controller = new AbortController();
    const query = cancellableQuery(
      { queries: pair.queries, cancels: nowhere },
      "SELECT pg_sleep(60)",
      [],
      controller.signal,
    );
    query.catch(() => undefined);
    await waitUntil(async () => (await sleeping()) === 1, { what: "the query in the database" });
    controller.abort(new Error("left"));
    await expect(query).rejects.toThrow("left");
    await waitUntil(async () => (await sleeping()) === 0, { what: "the query's end" });
    await nowhere.end();
  });
});

describe("a cancel that comes late", () => {
  it("never hits the next user of the pooled connection", async () => {
    await using pair = pools();
    for (let round = 0; round < 100; round++) {
      const controller = new AbortController();
      // Ends at about the time at which it is cancelled: sometimes before, sometimes after.
      const query = cancellableQuery(pair, "SELECT pg_sleep(0.002)", [], controller.signal);
      query.catch(() => undefined);
      setTimeout(() => controller.abort(new Error("late")), 2 + (round % 5) / 2);
      await Promise.allSettled([query]);
      const { rows } = await pair.queries.query<{ answer: number }>("SELECT 42 AS answer");
      expect(rows[0]?.answer).toBe(42);
    }
  });
});
