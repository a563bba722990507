// How often a kept report was loaded each time it had expired. Executions of a key belong to one expiry until one of them
// has ended and the entry that it wrote can have expired.

export interface Execution {
  readonly key: string;
  /** Its name begins with the short id of its container. */
  readonly process: string;
  readonly startedAtMs: number;
  /** Null for one that was killed, failed, or still runs. */
  readonly endedAtMs: number | null;
}

export interface Expiry {
  readonly key: string;
  readonly executions: readonly Execution[];
}

/** A container that was told to stop, until it was gone. */
export interface Stop {
  readonly container: string;
  readonly fromMs: number;
  readonly toMs: number;
}

// An entry lives for its time to live, less a tenth at most (the cache's ttlJitter).
const SHORTEST_LIFE = 0.9;

export function expiriesOf(executions: readonly Execution[], ttlMs: number): readonly Expiry[] {
  return [...Map.groupBy(executions, ({ key }) => key)].flatMap(([key, ofKey]) =>
    split(ofKey, ttlMs).map((group) => ({ key, executions: group })),
  );
}

/** Those that cost more than one execution and one for each of its leaders that was stopped meanwhile. */
export function tooExpensive(expiries: readonly Expiry[], stops: readonly Stop[]): readonly Expiry[] {
  return expiries.filter((expiry) => expiry.executions.length > 1 + leadersStopped(expiry, stops));
}

function leadersStopped({ executions }: Expiry, stops: readonly Stop[]): number {
  return stops.filter(({ container, fromMs, toMs }) =>
    executions.some(
      ({ process, startedAtMs, endedAtMs }) =>
        container.startsWith(process.split("-")[0] ?? process) &&
        startedAtMs <= toMs &&
        (endedAtMs ?? Infinity) >= fromMs,
    ),
  ).length;
}

function split(executions: readonly Execution[], ttlMs: number): readonly (readonly Execution[])[] {
  const groups: Execution[][] = [];
  let expiresAtMs = -Infinity;
  for (const execution of executions.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const current = groups.at(-1);
    if (current === undefined || execution.startedAtMs >= expiresAtMs) {
      groups.push([execution]);
      expiresAtMs = Infinity;
    } else {
      current.push(execution);
    }
    if (execution.endedAtMs !== null) {
      expiresAtMs = Math.min(expiresAtMs, execution.endedAtMs + ttlMs * SHORTEST_LIFE);
    }
  }
  return groups;
}
