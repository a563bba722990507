/** Work that ends when the test says so, and remembers how it was called. */
import type { FlightContext, Work } from "../src/index.ts";

export interface Run<T> {
  readonly signal: AbortSignal;
  readonly flight: FlightContext;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export class GatedWork<T> {
  /** Executions in the order in which they began. */
  readonly runs: Run<T>[] = [];

  readonly work: Work<T> = (signal, flight) => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.runs.push({ signal, flight, resolve, reject });
    return promise;
  };

  /** The `index`-th execution; fails the test when there was none. */
  readonly run = (index = 0): Run<T> => {
    const run = this.runs[index];
    if (run === undefined) throw new Error(`execution ${index} has not begun; ${this.runs.length} have`);
    return run;
  };
}

/** How a call ended, so that one assertion can say it. */
export async function endingOf(call: Promise<unknown>): Promise<{ value: unknown } | { error: unknown }> {
  const [result] = await Promise.allSettled([call]);
  return result.status === "fulfilled" ? { value: result.value } : { error: result.reason };
}
