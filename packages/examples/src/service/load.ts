// Callers of a fleet. A steady load: so many requests per second on a few hot keys, whatever the answers take. A stampede:
// everybody at once, for one report. Every call is written down; judging is for others.

import { setTimeout as delay } from "node:timers/promises";
import type { LoadBalancer } from "./load-balancer.ts";
import type { Report } from "./report-store.ts";

export interface LoadCall {
  /** ms since 1970, by the machine's clock. */
  readonly atMs: number;
  readonly latencyMs: number;
  readonly retries: number;
  /** For the call that started the work: how long after it was called. */
  readonly workAfterMs?: number;
  readonly role?: string;
  readonly takeovers?: number;
  readonly flightId?: string;
  readonly process?: string;
  /** Absent when it was answered well. */
  readonly failure?: string;
}

export interface SteadyLoad {
  readonly ratePerSecond: number;
  readonly forMs: number;
  readonly hotKeys: number;
  /** The first of the days that are asked for; each is a key. */
  readonly firstDay: string;
}

const DAY_MS = 86_400_000;

/** Resolves when every call has ended; never rejects. */
export async function runSteadyLoad(
  balancer: LoadBalancer,
  load: SteadyLoad,
  signal: AbortSignal,
): Promise<LoadCall[]> {
  const calls: Promise<LoadCall>[] = [];
  const start = performance.now();
  const everyMs = 1_000 / load.ratePerSecond;
  const total = Math.floor(load.forMs / everyMs);
  while (calls.length < total && !signal.aborted) {
    // What is due, not what the last answer allows: a slow fleet gets no rest.
    const due = Math.min(total, Math.floor((performance.now() - start) / everyMs) + 1);
    while (calls.length < due) {
      calls.push(call(balancer, `/reports/${dayAfter(load.firstDay, calls.length % load.hotKeys)}`));
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return Promise.all(calls);
}

export async function runStampede(
  balancer: LoadBalancer,
  path: string,
  callers: number,
): Promise<LoadCall[]> {
  return Promise.all(Array.from({ length: callers }, () => call(balancer, path)));
}

export function dayAfter(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}

async function call(balancer: LoadBalancer, path: string): Promise<LoadCall> {
  const atMs = Date.now();
  const start = performance.now();
  try {
    const { status, headers, body, retries } = await balancer.get(path);
    const told = { atMs, latencyMs: Math.round(performance.now() - start), retries };
    if (status !== 200) return { ...told, failure: `status ${status}: ${body.slice(0, 200)}` };
    const { execution } = JSON.parse(body) as Report;
    const after = headers["x-work-after-ms"];
    return {
      ...told,
      flightId: execution.flightId,
      process: execution.process,
      ...(after === undefined ? {} : { workAfterMs: Number(after) }),
      ...(headers["x-flight-role"] === undefined ? {} : { role: String(headers["x-flight-role"]) }),
      ...(headers["x-flight-takeovers"] === undefined
        ? {}
        : { takeovers: Number(headers["x-flight-takeovers"]) }),
    };
  } catch (error) {
    return { atMs, latencyMs: Math.round(performance.now() - start), retries: 0, failure: String(error) };
  }
}
