/** What happened in a simulation, and the invariants that it must satisfy. */
import type { ClusterEvent } from "../../src/observer.ts";

/** The longest delay of the simulated network, there and back. */
const UNDER_WAY_MS = 800;

export interface Execution {
  readonly key: string;
  readonly process: string;
  readonly value: string;
  readonly startedAt: number;
  endedAt: number;
}

export interface Call {
  readonly key: string;
  readonly process: string;
  readonly beganAt: number;
  answeredAt?: number;
  value?: string;
  flightId?: string;
  takeovers?: number;
  error?: string;
  /** Its process was killed: nobody is left to be answered. */
  orphaned?: boolean;
}

export interface Noted {
  readonly at: number;
  readonly process: string;
  readonly event: ClusterEvent;
}

/** Events that explain why two executions of a key ran at the same time. */
const CAUSES: ReadonlySet<ClusterEvent["type"]> = new Set([
  "takeover",
  "fallback",
  "lease-lost",
  "resign",
  "flight-aged",
  "flight-evicted",
  "flight-forgotten",
  "settle-fenced",
  "settle-lost",
  "abandoned",
  "wait-timeout",
  "unshareable",
]);

export class History {
  readonly executions: Execution[] = [];
  readonly calls: Call[] = [];
  readonly events: Noted[] = [];
  /** Data was lost or a process killed: what nobody is left to tell. */
  readonly unspoken: number[] = [];
  readonly forgotten: { readonly key: string; readonly at: number }[] = [];

  /** Every violation, in words; none is what a test wants. */
  violations(limits: { maxTakeovers: number; slackMs: number; faulty: boolean }): string[] {
    return [
      ...this.#oneLeaderPerToken(),
      ...this.#everyCallAnswered(),
      ...this.#valuesOfExecutions(limits.slackMs),
      ...this.#overlaps(limits.faulty, limits.slackMs),
      ...this.#takeovers(limits.maxTakeovers),
    ];
  }

  /** I1 */
  #oneLeaderPerToken(): string[] {
    const leaders = new Map<string, string>();
    const violations: string[] = [];
    for (const { process, event } of this.events) {
      if (event.type !== "lead") continue;
      const other = leaders.get(event.flightId);
      if (other !== undefined) violations.push(`I1: ${event.flightId} led in ${other} and ${process}`);
      leaders.set(event.flightId, process);
    }
    return violations;
  }

  /** I9, I10 */
  #everyCallAnswered(): string[] {
    return this.calls
      .filter((call) => call.answeredAt === undefined && call.orphaned !== true)
      .map((call) => `I9: a call of ${call.key} in ${call.process} at ${call.beganAt} was never answered`);
  }

  /** I4, I7: the value is one of an execution of that key that had not ended when the call began. */
  #valuesOfExecutions(slackMs: number): string[] {
    return this.calls.flatMap((call) => {
      if (call.value === undefined) return [];
      const execution = this.executions.find(({ value }) => value === call.value);
      if (execution === undefined || execution.key !== call.key) return [`I7: ${call.key} got ${call.value}`];
      // A settlement or wake-up under way when the call began may still serve it.
      const settled = this.events.find(
        ({ event }) => event.type === "settle-accepted" && event.flightId === call.flightId,
      );
      const over = settled === undefined ? execution.endedAt + slackMs : settled.at + UNDER_WAY_MS;
      return over < call.beganAt
        ? [
            `I4: ${call.process} at ${call.beganAt} got ${call.value}, whose execution ended at ${execution.endedAt}`,
          ]
        : [];
    });
  }

  /** I5 without faults, I6 with them. */
  #overlaps(faulty: boolean, slackMs: number): string[] {
    const violations: string[] = [];
    for (const [index, first] of this.executions.entries()) {
      for (const second of this.executions.slice(index + 1)) {
        if (
          second.key !== first.key ||
          second.startedAt >= first.endedAt ||
          first.startedAt >= second.endedAt
        ) {
          continue;
        }
        const from = Math.min(first.startedAt, second.startedAt) - slackMs;
        const to = Math.max(first.startedAt, second.startedAt) + slackMs + 10_000;
        const explained = this.events.some(
          ({ at, event }) =>
            at >= from && at <= to && CAUSES.has(event.type) && "key" in event && event.key === first.key,
        );
        const forgotten = this.forgotten.some(
          ({ key, at }) => key === first.key && at >= from - 20_000 && at <= to,
        );
        const unspoken = this.unspoken.some((at) => at >= from - 20_000 && at <= to);
        if (!faulty || !(explained || unspoken || forgotten)) {
          violations.push(
            `I${faulty ? 6 : 5}: ${first.key} ran in ${first.process} and ${second.process} at ${to}`,
          );
        }
      }
    }
    return violations;
  }

  /** I11 */
  #takeovers(maxTakeovers: number): string[] {
    return this.calls
      .filter((call) => (call.takeovers ?? 0) > maxTakeovers)
      .map((call) => `I11: ${call.takeovers} takeovers for ${call.key}`);
  }
}
