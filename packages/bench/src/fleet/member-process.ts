/**
 * A process of a fleet, member of one or several contenders' fleets at once. Run as a child; never imported.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { serveFlier } from "@skein/testkit";
import type { Call } from "../call.ts";
import { fleetContenderNamed } from "./contenders.ts";

export interface MemberConfig {
  readonly name: string;
  /** The Redis of each contender's fleet, by the contender's name. */
  readonly servers: Readonly<Record<string, string>>;
}

/** Who calls what, when, and what it takes to load it. */
export interface Onslaught {
  readonly contender: string;
  readonly keys: readonly string[];
  readonly callers: number;
  readonly workMs: number;
  /** By the machine's wall clock, so that all processes begin together. */
  readonly beginsAt: number;
}

export interface Onset {
  readonly latenciesMs: readonly number[];
  readonly executions: number;
  readonly failures: number;
  /** Different answers to one key; more than executions would be a defect. */
  readonly values: readonly string[];
}

export interface CallEnd {
  readonly tookMs: number;
  readonly failed: boolean;
}

/** Of a JSON value, as a page or a user might be. */
const VALUE_BYTES = 200;

await serveFlier<MemberConfig>(async ({ name, servers }, emit) => {
  const executions = new Map<string, number>();
  /** Where it is not that of the key. */
  let workMs = 0;
  const workMsOf = new Map<string, number>();
  const loadFor = (contender: string) => async (key: string) => {
    const execution = (executions.get(contender) ?? 0) + 1;
    executions.set(contender, execution);
    emit({ type: "load-started", key });
    await sleep(workMsOf.get(key) ?? workMs);
    return `${key} by ${name}, execution ${execution}`.padEnd(VALUE_BYTES, ".");
  };
  const calls = new Map<string, Call>();
  for (const [contender, url] of Object.entries(servers)) {
    calls.set(contender, await fleetContenderNamed(contender).join(url, loadFor(contender)));
  }
  const callOf = (contender: string): Call => {
    const call = calls.get(contender);
    if (call === undefined) throw new RangeError(`Not a member of the fleet of ${contender}.`);
    return call;
  };

  return {
    onslaught: async (plan: Onslaught): Promise<Onset> => {
      const { contender, keys, callers, beginsAt } = plan;
      const call = callOf(contender);
      ({ workMs } = plan);
      executions.set(contender, 0);
      const latenciesMs: number[] = [];
      const values = new Set<string>();
      let failures = 0;
      const callOnce = async (key: string): Promise<void> => {
        const calledAt = performance.now();
        try {
          values.add(String(await call(key)));
        } catch {
          failures++;
        }
        latenciesMs.push(performance.now() - calledAt);
      };
      await sleep(Math.max(0, beginsAt - Date.now()));
      await Promise.all(
        Array.from({ length: callers }, (_, caller) => callOnce(keys[caller % keys.length] ?? "")),
      );
      return { latenciesMs, executions: executions.get(contender) ?? 0, failures, values: [...values] };
    },

    /** What executions that begin from now on take. */
    setWork: (ms: number): void => {
      workMs = ms;
    },

    /** One call; how it ended, and after how long. `ownMs`: what executions of this key take, here and now. */
    call: async (contender: string, key: string, ownMs?: number): Promise<CallEnd> => {
      if (ownMs !== undefined) workMsOf.set(key, ownMs);
      const calledAt = performance.now();
      try {
        await callOf(contender)(key);
        return { tookMs: performance.now() - calledAt, failed: false };
      } catch {
        return { tookMs: performance.now() - calledAt, failed: true };
      }
    },
  };
});
