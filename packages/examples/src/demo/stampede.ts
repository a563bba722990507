// Several hundred callers who ask all servers for the same thing at the same moment. Every caller has a connection of its
// own, opened and used once beforehand, so that nothing but the request itself is in the way.

import { Pool } from "undici";
import type { Answer, Server } from "./server.ts";

export const CALLERS_PER_PROCESS = 70;

// Without coalescing the last caller waits for hundreds of queries.
const MAX_ANSWER_MS = 240_000;

export interface Call {
  readonly server: Server;
  readonly latencyMs: number;
  /** Absent when the call failed. */
  readonly answer?: Answer;
  readonly failure?: string;
}

export class Stampede implements AsyncDisposable {
  readonly #herds: readonly Herd[];

  private constructor(herds: readonly Herd[]) {
    this.#herds = herds;
  }

  static async open(servers: readonly Server[]): Promise<Stampede> {
    const herds = servers.map((server) => ({ server, pool: openPool(server) }));
    const stampede = new Stampede(herds);
    try {
      await Promise.all(herds.map(warmUp));
    } catch (error) {
      await stampede[Symbol.asyncDispose]();
      throw error;
    }
    return stampede;
  }

  /** Everybody asks at once. Resolves when everybody has an answer or a failure; never rejects but for an abort. */
  async run(path: string, signal: AbortSignal): Promise<Call[]> {
    const calls: Promise<Call>[] = [];
    for (let caller = 0; caller < CALLERS_PER_PROCESS; caller++) {
      for (const herd of this.#herds) calls.push(ask(herd, path, signal));
    }
    const answered = await Promise.all(calls);
    signal.throwIfAborted();
    return answered;
  }

  /** Requests that have no answer yet. */
  get waiting(): number {
    return this.#herds.reduce((sum, { pool }) => sum + pool.stats.size, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#herds.map(({ pool }) => pool.destroy()));
  }
}

/** The callers of one server. */
interface Herd {
  readonly server: Server;
  readonly pool: Pool;
}

function openPool(server: Server): Pool {
  return new Pool(server.origin, {
    connections: CALLERS_PER_PROCESS,
    pipelining: 1,
    headersTimeout: MAX_ANSWER_MS,
    bodyTimeout: MAX_ANSWER_MS,
    keepAliveTimeout: MAX_ANSWER_MS,
  });
}

async function warmUp({ server, pool }: Herd): Promise<void> {
  const warmUps = Array.from({ length: CALLERS_PER_PROCESS }, async () => {
    const { statusCode, body } = await pool.request({ method: "GET", path: "/ready" });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${server.origin} is not ready: ${text}`);
  });
  await Promise.all(warmUps);
  if (pool.stats.connected !== CALLERS_PER_PROCESS) {
    throw new Error(
      `${server.origin}: ${pool.stats.connected} connections instead of ${CALLERS_PER_PROCESS}`,
    );
  }
}

async function ask({ server, pool }: Herd, path: string, signal: AbortSignal): Promise<Call> {
  const start = performance.now();
  try {
    const { statusCode, body } = await pool.request({ method: "GET", path, signal });
    const text = await body.text();
    const latencyMs = performance.now() - start;
    if (statusCode !== 200) return { server, latencyMs, failure: `status ${statusCode}: ${text}` };
    return { server, latencyMs, answer: JSON.parse(text) as Answer };
  } catch (error) {
    return { server, latencyMs: performance.now() - start, failure: String(error) };
  }
}
