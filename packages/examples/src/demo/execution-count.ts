// How often the report ran, as Postgres counted. "completed" is pg_stat_statements, which learns of a statement when it
// ends; "started" is the sequence that the query itself advances, so it also knows of an execution that was killed.

import type { Client } from "pg";
import { REPORT_MARK } from "./report.ts";

export interface ExecutionCount {
  readonly started: number;
  readonly completed: number;
}

export async function countExecutions(client: Client): Promise<ExecutionCount> {
  const { rows } = await client.query<ExecutionCount>(
    `select
       (select case when is_called then last_value else 0 end from report_executions)::int as started,
       (select coalesce(sum(calls), 0) from pg_stat_statements where strpos(query, $1) > 0)::int as completed`,
    [REPORT_MARK],
  );
  const [count] = rows;
  if (count === undefined) throw new Error("Postgres did not say how often the report ran.");
  return count;
}

export function executionsSince(before: ExecutionCount, now: ExecutionCount): ExecutionCount {
  return { started: now.started - before.started, completed: now.completed - before.completed };
}
