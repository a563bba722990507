/** Records what a process of a deployment goes through, for the history checker: what its coalescer tells, and its work. */
import type { ClusterEvent } from "@skein/cluster";
import { digestOf, HistoryWriter, monotonicMs } from "@skein/testkit";
import { lineOf } from "./history-line.ts";

export class Historian {
  readonly #writer: HistoryWriter;
  #calls = 0;
  #executions = 0;

  constructor(directory: string, process: string) {
    this.#writer = new HistoryWriter(directory, process);
  }

  /** To be given to a coalescer with `exposeKeys`. */
  readonly observer = {
    onEvent: (event: ClusterEvent): void => {
      const line = lineOf(event);
      if (line !== undefined) this.#writer.record(line);
    },
  };

  /** A call that has to be answered within `deadlineMs`; returns its name. */
  call(key: string, deadlineMs: number): string {
    const call = `c${++this.#calls}`;
    this.#writer.record({ ev: "call", key, call, deadlineMs });
    return call;
  }

  returned(key: string, call: string, value: unknown): void {
    this.#writer.record({ ev: "return", key, call, digest: digestOf(value) });
  }

  /** The key is about to be forgotten: no event tells of it where it is not flown. Returns what tells that it was. */
  forgets(key: string): () => void {
    const call = `f${++this.#calls}`;
    const tSent = monotonicMs();
    this.#writer.record({ ev: "forgotten", key, call, tRedis: Date.now() });
    return () => this.#writer.record({ ev: "forgotten", key, call, tSent, tRedis: Date.now() });
  }

  failed(key: string, call: string, error: unknown): void {
    this.#writer.record({ ev: "error", key, call, error: String(error) });
  }

  /** The work of a key is called; returns what tells its end. */
  started(key: string, token: string | undefined): (value?: unknown) => void {
    const execution = `e${++this.#executions}`;
    const identity = { key, execution, ...(token === undefined ? {} : { token }) };
    this.#writer.record({ ev: "start", ...identity });
    return (...value) => {
      const digest = value.length === 0 ? {} : { digest: digestOf(value[0]) };
      this.#writer.record({ ev: "end", ...identity, ...digest });
    };
  }
}
