/**
 * A `pg` query that is really cancelled when its signal is aborted. `pg` has no signal option: the query's backend is
 * told to cancel over a second connection. A cancel request can arrive late, after the query has ended; a connection
 * that one was sent to is therefore closed and never goes back to the pool, where it would hit the next user.
 *
 * Not promised: that the cancel arrives. `statement_timeout`, set on the pool, is the backstop, and `query_timeout`, a
 * little above it, where the server has vanished.
 */
import { DatabaseError, type Pool, type PoolClient, type QueryResult, type QueryResultRow } from "pg";

export interface QueryPools {
  readonly queries: Pool;
  /** For cancels alone: when all of `queries` is busy, that is when they are needed. One connection is enough. */
  readonly cancels: Pool;
}

export async function cancellableQuery<R extends QueryResultRow>(
  { queries, cancels }: QueryPools,
  text: string,
  values: readonly unknown[],
  signal: AbortSignal,
): Promise<QueryResult<R>> {
  signal.throwIfAborted();
  const client = await queries.connect();
  let cancelled: Promise<unknown> | undefined;
  let isUnanswered = false;
  const onAbort = (): void => {
    cancelled = cancel(cancels, client);
  };
  try {
    // The caller may have left while the pool was busy.
    signal.throwIfAborted();
    signal.addEventListener("abort", onAbort, { once: true });
    return await client.query<R>(text, [...values]);
  } catch (error) {
    // Its answer may still come, after `query_timeout`: the connection is of no use to the next user either.
    isUnanswered = !(error instanceof DatabaseError);
    // Postgres says "canceling statement due to user request"; the caller wants to know why.
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    client.release(isUnanswered || cancelled !== undefined);
    await cancelled;
  }
}

async function cancel(cancels: Pool, client: PoolClient): Promise<void> {
  try {
    await cancels.query("SELECT pg_cancel_backend($1)", [processIdOf(client)]);
  } catch {
    // The database is out of reach; statement_timeout ends the query.
  }
}

/** The backend that serves a connection. `pg` has it, its types do not. */
function processIdOf(client: PoolClient): number {
  const { processID } = client as unknown as { readonly processID: number };
  return processID;
}
