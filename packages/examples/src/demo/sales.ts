// The data: two years of sales, the same rows in every run.

import type { Client } from "pg";

export const SALES_PER_DAY = 2_000;
const FIRST_DAY = "2025-01-01";
const LAST_DAY = "2026-12-31";
export const DAYS = 730;
export const ROWS: number = SALES_PER_DAY * DAYS;

// Store, customer and amount are spread by multiplicative hashing: no random numbers, so nothing to seed.
const CREATE = `
  create extension pg_stat_statements;
  create sequence report_executions;
  create unlogged table sales as
    select
      i as id,
      date '${FIRST_DAY}' + (i / ${SALES_PER_DAY})::int as sold_on,
      ((h * 40) >> 32)::int as store,
      (((h * 16807) % 4294967296 * 25000) >> 32)::int as customer,
      500 + (((h * 48271) % 4294967296 * 20000) >> 32)::int as cents
    from generate_series(0::bigint, ${ROWS - 1}) as i, lateral (select (i * 2654435761) % 4294967296 as h) as hash;
  create index on sales (sold_on);
`;

export async function createSales(client: Client): Promise<void> {
  await client.query(CREATE);
  await client.query("vacuum analyze sales");
}

/** The day `count` days before the last one, as YYYY-MM-DD: each gives a report of its own, and so a cold key. */
export function dayBeforeLast(count: number): string {
  const day = new Date(`${LAST_DAY}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - count);
  return day.toISOString().slice(0, 10);
}
