// The expensive work: sales by store over a window of days. Honest aggregation on one core; nothing sleeps.

import type { ClientBase, Pool } from "pg";

/** How Postgres tells our query from others in pg_stat_statements; a comment within a statement survives there. */
export const REPORT_MARK = "/* sales report */";

// "started" runs first, since what it yields is needed to read the first row. A sequence is not transactional, so it
// counts executions that were started, also those that are killed before they end.
const REPORT = `
  with ${REPORT_MARK} started as materialized (
    select nextval('report_executions') as execution, extract(epoch from clock_timestamp()) * 1000 as at_ms
  )
  select
    started.execution::int as execution,
    started.at_ms::float8 as "startedAtMs",
    totals.*
  from started cross join lateral (
    select
      store,
      count(*)::int as sales,
      count(distinct customer)::int as customers,
      sum(cents)::float8 as "revenueCents",
      max(cents) as "highestCents"
    from sales
    where sold_on > $1::date - $2::int and sold_on <= $1::date and started.execution > 0
    group by store
  ) as totals
  order by totals.store
`;

interface StoreSales {
  readonly store: number;
  readonly sales: number;
  readonly customers: number;
  readonly revenueCents: number;
  readonly highestCents: number;
}

export interface Report {
  /** The number of this execution, as Postgres counted. */
  readonly execution: number;
  /** When it started, by Postgres's clock, in ms since 1970. */
  readonly startedAtMs: number;
  readonly stores: readonly StoreSales[];
}

type Row = StoreSales & Pick<Report, "execution" | "startedAtMs">;

export async function queryReport(client: ClientBase, day: string, windowDays: number): Promise<Report> {
  const { rows } = await client.query<Row>(REPORT, [day, windowDays]);
  const [first] = rows;
  if (first === undefined) throw new Error(`There were no sales in the ${windowDays} days before ${day}.`);
  const { execution, startedAtMs } = first;
  const stores = rows.map(({ store, sales, customers, revenueCents, highestCents }) => {
    return { store, sales, customers, revenueCents, highestCents };
  });
  return { execution, startedAtMs, stores };
}

/** Like `queryReport`, on a connection of the pool. An abort ends the wait and the query. */
export async function loadReport(
  pool: Pool,
  day: string,
  windowDays: number,
  signal: AbortSignal,
): Promise<Report> {
  signal.throwIfAborted();
  const client = await pool.connect();
  let isReleased = false;
  const release = (destroy: boolean): void => {
    if (!isReleased) client.release(destroy);
    isReleased = true;
  };
  // pg takes no signal. Closing the connection ends the query (Postgres looks for that every 100 ms), and unlike a
  // cancel request it cannot arrive late and hit the next user of a pooled connection.
  const destroy = (): void => release(true);
  signal.addEventListener("abort", destroy, { once: true });
  client.once("error", destroy);
  try {
    signal.throwIfAborted();
    const report = await queryReport(client, day, windowDays);
    release(false);
    return report;
  } catch (error) {
    destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    client.removeListener("error", destroy);
    signal.removeEventListener("abort", destroy);
  }
}
