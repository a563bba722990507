/**
 * A process of a deployment: calls its ClusterSingleflight when told to, and tells what its work and its coalescer do.
 * Run as a child by the tests; never imported.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { chainedFetch, continueFlightChain, type FlightContext } from "@skein/core";
import type * as Cluster from "@skein/cluster";
import type { ClusterEvent, ClusterOptions } from "@skein/cluster";
import { serveFlier } from "@skein/testkit";
import { Historian } from "./historian.ts";

// A test may bring another build of the package.
const { ClusterSingleflight } = (await import(
  process.env["SKEIN_TEST_BUILD"] ?? "@skein/cluster"
)) as typeof Cluster;

/** How the work of a call behaves. */
export interface WorkPlan {
  /** Takes so long, then returns its value. */
  workMs?: number;
  value?: unknown;
  fails?: string;
  /** The process ends in the middle of the work, without a chance to say so. */
  kills?: boolean;
  /** Blocks the event loop for so long before it returns. */
  blocksMs?: number;
  /** Never settles, abort or not. */
  hangs?: boolean;
  /** Ends early when its signal is aborted. */
  heeds?: boolean;
  /** Its value differs from execution to execution. */
  unlike?: boolean;
  /** Runs until `release` is called, for its key or for all. */
  held?: boolean;
  /** Asks another process for a key over HTTP, and returns how that call ended there. */
  asks?: { port: number; key: string };
}

/** Whatever happens: wait timeout, lease and silence limit are over long before. */
const ANSWERED_WITHIN_MS = 60_000;

interface Config {
  name: string;
  /** Where to record what happens, for the history checker. */
  history?: string;
  /** Tells the parent nothing of what happens: for runs that take long. */
  quiet?: boolean;
  options: Omit<ClusterOptions, "observer" | "logger">;
}

interface Told {
  ok: boolean;
  value?: unknown;
  role?: string;
  shared?: boolean;
  flightId?: string;
  takeovers?: number;
  fallbackReason?: string | null;
  error?: { name: string; message: string; code: unknown; skeinCode: unknown };
  tookMs: number;
}

await serveFlier<Config>(async ({ name, options, history, quiet = false }, emitAnyway) => {
  const emit: typeof emitAnyway = (event) => {
    if (!quiet) emitAnyway(event);
  };
  const telling = { onEvent: (event: ClusterEvent) => emit({ type: "event", event: { ...event } }) };
  const historian = history === undefined ? undefined : new Historian(history, name);
  const observer = historian === undefined ? telling : [telling, historian.observer];
  const flights = new ClusterSingleflight({ exposeKeys: historian !== undefined, ...options, observer });
  await flights.ready();
  let executions = 0;
  const released = Promise.withResolvers<void>();
  const releasedKeys = new Map<string, PromiseWithResolvers<void>>();
  const releaseOf = (key: string): PromiseWithResolvers<void> => {
    const release = releasedKeys.get(key) ?? Promise.withResolvers<void>();
    releasedKeys.set(key, release);
    return release;
  };

  const work = (plan: WorkPlan) => async (signal: AbortSignal, flight: FlightContext) => {
    const execution = ++executions;
    const end = historian?.started(flight.key, flight.fencingToken);
    try {
      const value = await perform(plan, signal, execution, flight.key);
      end?.(value);
      return value;
    } catch (error) {
      end?.();
      throw error;
    }
  };

  const perform = async (
    plan: WorkPlan,
    signal: AbortSignal,
    execution: number,
    key: string,
  ): Promise<unknown> => {
    emit({ type: "work-started", name, execution });
    signal.addEventListener("abort", () => emit({ type: "work-aborted", name, code: codeOf(signal.reason) }));
    if (plan.kills === true) process.kill(process.pid, "SIGKILL");
    if (plan.asks !== undefined) {
      const { port, key: other } = plan.asks;
      const response = await chainedFetch(`http://127.0.0.1:${port}/?key=${encodeURIComponent(other)}`);
      return response.json();
    }
    if (plan.held === true) await Promise.race([released.promise, releaseOf(key).promise]);
    if (plan.blocksMs !== undefined) {
      const until = performance.now() + plan.blocksMs;
      while (performance.now() < until) {
        // Busy: nothing else runs in this process.
      }
    }
    if (plan.hangs === true) await new Promise(() => undefined);
    if (plan.heeds === true) await sleep(plan.workMs ?? 0, undefined, { signal });
    else await sleep(plan.workMs ?? 0);
    emit({ type: "work-ended", name });
    if (plan.fails !== undefined) throw Object.assign(new Error(plan.fails), { code: "E_WORK" });
    return plan.value ?? (plan.unlike === true ? `by ${name}, execution ${execution}` : `by ${name}`);
  };

  const call = async (
    key: string,
    plan: WorkPlan,
    callOptions: { timeoutMs?: number } = {},
  ): Promise<Told> => {
    const startedAt = performance.now();
    const recorded = historian?.call(key, callOptions.timeoutMs ?? ANSWERED_WITHIN_MS) ?? "";
    try {
      const result = await flights.fly(key, work(plan), callOptions);
      historian?.returned(key, recorded, result.value);
      return { ok: true, ...result, tookMs: performance.now() - startedAt };
    } catch (error) {
      historian?.failed(key, recorded, error);
      return { ok: false, error: describe(error), tookMs: performance.now() - startedAt };
    }
  };

  /** A service: whoever asks for a key gets told how the call ended. Its work asks on, if it is told whom. */
  let asks: WorkPlan["asks"];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const answer = async (): Promise<void> => {
      const told = await call(searchParams.get("key") ?? "", asks === undefined ? {} : { asks });
      response.end(JSON.stringify(told));
    };
    continueFlightChain(request, response, () => void answer());
  });

  const signals = new Map<string, AbortController>();
  return {
    call,
    /** `count` callers at once; all of them answered. */
    stampede: (key: string, plan: WorkPlan, count: number) =>
      Promise.all(Array.from({ length: count }, () => call(key, plan))),
    /** A call that `leave` can end. */
    callWithSignal: async (id: string, key: string, plan: WorkPlan): Promise<Told> => {
      const controller = new AbortController();
      signals.set(id, controller);
      const startedAt = performance.now();
      try {
        const result = await flights.fly(key, work(plan), { signal: controller.signal });
        return { ok: true, ...result, tookMs: performance.now() - startedAt };
      } catch (error) {
        return { ok: false, error: describe(error), tookMs: performance.now() - startedAt };
      }
    },
    /** Ends the work that is held, now and later. */
    release: (key?: string) => (key === undefined ? released : releaseOf(key)).resolve(),
    leave: (id: string) => signals.get(id)?.abort(new Error("left")),
    /** Serves HTTP; returns the port. */
    listen: async (whomToAsk?: WorkPlan["asks"]): Promise<number> => {
      asks = whomToAsk;
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return (server.address() as AddressInfo).port;
    },
    forget: async (key: string) => {
      const forgotten = historian?.forgets(key);
      try {
        return await flights.forget(key);
      } finally {
        forgotten?.();
      }
    },
    close: (drainMs: number) => flights.close({ drainMs }),
    executions: () => executions,
    size: () => flights.size,
    resources: () => process.getActiveResourcesInfo(),
    /** Bytes in use after a collection; with --expose-gc. */
    heap: () => {
      globalThis.gc?.();
      return process.memoryUsage().heapUsed;
    },
  };
});

function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), "code");
}

function describe(error: unknown): NonNullable<Told["error"]> {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return { name, message, code: codeOf(error), skeinCode: Reflect.get(Object(error), "skeinCode") };
}
