/** Records what a process of a deployment goes through, for the history checker: what its coalescer tells, and its work. */
import type { ClusterEvent } from "@skein/cluster";
import { digestOf, HistoryWriter, monotonicMs, type HistoryEvent } from "@skein/testkit";

type Keyed = { readonly key?: string; readonly flightId: string };

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

function lineOf(event: ClusterEvent): HistoryEvent | undefined {
  switch (event.type) {
    case "lead":
      return { ev: "lead", ...about(event), takeovers: event.takeovers };
    case "follow":
      return { ev: "follow", ...about(event) };
    case "takeover":
      return { ev: "takeover", ...about(event), takeovers: event.takeovers, reason: event.reason };
    case "settle-accepted":
      return { ev: "settle-accepted", ...about(event) };
    case "settle-fenced":
      return { ev: "settle-fenced", ...about(event) };
    case "lease-lost":
      return event.why === "forgotten" ? { ev: "forgotten", ...about(event) } : undefined;
    case "resign":
      return { ev: causeOf(event.reason), ...about(event) };
    case "fallback":
      return {
        ev: event.reason === "wait-timeout" ? "wait-timeout" : "fallback",
        key: event.key ?? "",
        reason: event.reason,
      };
    case "flight-forgotten":
      return { ev: "forgotten", key: event.key ?? "" };
    case "flight-evicted":
      return { ev: "evicted", key: event.key ?? "" };
    case "flight-aged":
      return { ev: "aged", key: event.key ?? "" };
    case "abort-ignored":
      return { ev: "abort-ignored", ...about(event) };
    case "abandoned":
      return { ev: "abandoned", key: event.key ?? "" };
    case "unshareable":
      return { ev: "unshareable", ...about(event) };
    case "breaker":
      if (event.state === "half-open") return undefined;
      return { ev: event.state === "open" ? "breaker-open" : "breaker-closed", key: "" };
    default:
      return undefined;
  }
}

function about({ key = "", flightId }: Keyed): { key: string; token: string } {
  return { key, token: flightId };
}

function causeOf(reason: string): "aged" | "evicted" | "closed" | "resigned" {
  return reason === "aged" || reason === "evicted" || reason === "closed" ? reason : "resigned";
}
