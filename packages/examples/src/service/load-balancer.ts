// What stands in front of a fleet: asks every replica whether it is ready, gives requests to those that are, in turn, and
// hands a request that never got an answer to another one, as proxies do with a GET whose connection broke. A status is
// an answer, also a bad one.

import { setTimeout as delay } from "node:timers/promises";
import { Agent, request } from "undici";
import { originsOf } from "./peers.ts";

const PROBE_EVERY_MS = 250;
const MAX_PROBE_MS = 2_000;
const MAX_ANSWER_MS = 30_000;
// From the readiness probe's point of view a replica is out after one bad answer.
const MAX_TRIES = 3;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** How many replicas broke off before this one answered. */
  readonly retries: number;
}

export class LoadBalancer implements AsyncDisposable {
  readonly #peers: readonly string[];
  readonly #agent: Agent;
  readonly #stop = new AbortController();
  readonly #probing: Promise<void>;
  #ready: readonly string[] = [];
  #turn = 0;

  constructor(peers: readonly string[], connections: number) {
    this.#peers = peers;
    this.#agent = new Agent({
      connections,
      headersTimeout: MAX_ANSWER_MS,
      bodyTimeout: MAX_ANSWER_MS,
      connectTimeout: MAX_PROBE_MS,
    });
    this.#probing = this.#probe();
  }

  /** Origins that are ready, as of the last probe. */
  get ready(): readonly string[] {
    return this.#ready;
  }

  /** Rejects when no replica answered. */
  async get(path: string): Promise<Answer> {
    const tried = new Set<string>();
    let broken: unknown = new Error("no replica is ready");
    while (tried.size < MAX_TRIES) {
      const origin = this.#next(tried);
      if (origin === undefined) break;
      try {
        const { statusCode, headers, body } = await request(`${origin}${path}`, { dispatcher: this.#agent });
        return { status: statusCode, headers, body: await body.text(), retries: tried.size };
      } catch (error) {
        tried.add(origin);
        broken = error;
      }
    }
    throw broken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#probing;
    await this.#agent.destroy();
  }

  #next(tried: ReadonlySet<string>): string | undefined {
    const candidates = this.#ready.filter((origin) => !tried.has(origin));
    return candidates[this.#turn++ % candidates.length];
  }

  async #probe(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const origins = await originsOf(this.#peers);
      const answers = await Promise.all(origins.map((origin) => this.#isReady(origin)));
      this.#ready = origins.filter((_, index) => answers[index]);
      await delay(PROBE_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #isReady(origin: string): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(MAX_PROBE_MS);
      const { statusCode, body } = await request(`${origin}/readyz`, { dispatcher: this.#agent, signal });
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }
}
