// The database behind the example service: a report that is real work for Postgres, and a row for each execution of one,
// written before it begins, so that those whose process is killed are counted too.

import { Pool } from "pg";
import type { FlightContext } from "@skein/core";
import { cancellableQuery, type QueryPools } from "../work/cancellable-query.ts";

export interface Report {
  readonly day: string;
  readonly sales: number;
  readonly revenueCents: number;
  /** Which execution this value is from: the same for everybody who shares it. */
  readonly execution: { readonly id: string; readonly flightId: string; readonly process: string };
}

export interface ReportRequest {
  readonly day: string;
  readonly rows: number;
}

export interface ReportStoreOptions {
  readonly url: string;
  readonly process: string;
  readonly maxWaitMs: number;
  readonly onLostConnection: (error: Error) => void;
}

const MAX_CONNECTIONS = 10;
// The backstop of a cancel that never arrives.
const MAX_STATEMENT_MS = 60_000;
const MAX_PING_MS = 1_000;
// The server's own limit should be the one that is met: it leaves a connection that can be used again. This one is for a
// server that has vanished without a word, where nothing else would ever end a query.
const GRACE_MS = 500;

// One session at a time: "if not exists" alone loses a race between replicas that start together.
const CREATE = `
  begin;
  select pg_advisory_xact_lock(5273001);
  create table if not exists executions (
    id bigint generated always as identity primary key,
    key text not null,
    process text not null,
    flight_id text not null,
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz
  );
  create index if not exists executions_key on executions (key);
  delete from executions where started_at < clock_timestamp() - interval '1 day';
  commit;
`;

const BEGIN = "insert into executions (key, process, flight_id) values ($1, $2, $3) returning id";
const END = "update executions set ended_at = clock_timestamp() where id = $1";

// Honest work of one core: nothing sleeps. The amounts are spread by hashing, and the same in every run.
const REPORT = `
  select count(*)::int as sales, sum(500 + abs(hashint8(i + ($1::date - date '2000-01-01'))::bigint) % 20000)::float8 as "revenueCents"
  from generate_series(1, $2::bigint) as i
`;

export class ReportStore {
  readonly #process: string;
  readonly #pools: QueryPools;
  readonly #health: Pool;
  readonly #counts: Pool;

  constructor({ url, process, maxWaitMs, onLostConnection }: ReportStoreOptions) {
    this.#process = process;
    const open = (max: number, statement_timeout: number, connectionTimeoutMillis: number): Pool =>
      new Pool({
        connectionString: url,
        max,
        statement_timeout,
        query_timeout: statement_timeout + GRACE_MS,
        connectionTimeoutMillis,
      }).on("error", onLostConnection);
    this.#pools = {
      queries: open(MAX_CONNECTIONS, MAX_STATEMENT_MS, maxWaitMs),
      cancels: open(1, MAX_PING_MS, MAX_PING_MS),
    };
    // Of its own: a pool that is busy is no database that is gone.
    this.#health = open(1, MAX_PING_MS, MAX_PING_MS);
    // Nor is one that is slow to count.
    this.#counts = open(1, MAX_PING_MS, MAX_PING_MS);
  }

  /** What was begun more than a day ago is forgotten. */
  async prepare(): Promise<void> {
    await this.#pools.queries.query(CREATE);
  }

  /** Runs the report in the database; an abort cancels it there. */
  async load(
    { day, rows }: ReportRequest,
    signal: AbortSignal,
    { key, flightId }: Pick<FlightContext, "key" | "flightId">,
  ): Promise<Report> {
    const begun = await this.#query<{ id: string }>(BEGIN, [key, this.#process, flightId], signal);
    const [execution] = begun;
    const [totals] = await this.#query<Pick<Report, "sales" | "revenueCents">>(REPORT, [day, rows], signal);
    if (execution === undefined || totals === undefined) throw new Error("Postgres returned no row.");
    await this.#query(END, [execution.id], signal);
    return { day, ...totals, execution: { id: execution.id, flightId, process: this.#process } };
  }

  /** Executions that were begun and are not forgotten, in the whole fleet; of one key, if given. */
  async executions(key?: string): Promise<number> {
    const { rows } = await this.#counts.query<{ count: number }>(
      "select count(*)::int as count from executions where $1::text is null or key = $1",
      [key ?? null],
    );
    return rows[0]?.count ?? 0;
  }

  /** Rejects when the database does not answer in time. */
  async ping(): Promise<void> {
    await this.#health.query("select 1");
  }

  async close(): Promise<void> {
    const { queries, cancels } = this.#pools;
    await Promise.all([queries, cancels, this.#health, this.#counts].map((pool) => pool.end()));
  }

  async #query<R extends object>(
    text: string,
    values: readonly unknown[],
    signal: AbortSignal,
  ): Promise<readonly R[]> {
    return (await cancellableQuery<R>(this.#pools, text, values, signal)).rows;
  }
}
