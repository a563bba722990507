/** What was done to processes, to their packets and to the server, so that a lost leader can be asked for an excuse. */
import type { Clock } from "@skein/core";

/**
 * `stopped` by a signal, or killed · `packet`: a request or reply was lost or late · `inbox`: nobody could tell it
 * anything · `server`: its clock jumped, or it lost its data.
 */
export type Mishap = "stopped" | "packet" | "inbox" | "server";

interface Spell {
  readonly kind: Mishap;
  readonly from: number;
  until: number;
}

const EVERYBODY = "*";

export class Mishaps {
  readonly #clock: Clock;
  readonly #spells = new Map<string, Spell[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At this moment, or for the next `forMs`. */
  happened(kind: Mishap, process: string = EVERYBODY, forMs = 0): void {
    const from = this.#clock.now();
    this.#of(process).push({ kind, from, until: from + forMs });
  }

  /** Until `ended`. */
  began(kind: Mishap, process: string): void {
    this.#of(process).push({ kind, from: this.#clock.now(), until: Infinity });
  }

  ended(kind: Mishap, process: string): void {
    for (const spell of this.#of(process)) {
      if (spell.kind === kind && spell.until === Infinity) spell.until = this.#clock.now();
    }
  }

  /** Whether one of these kinds befell the process, or everybody, between the two moments. */
  befell(process: string, kinds: readonly Mishap[], from: number, until: number): boolean {
    return [...this.#of(process), ...this.#of(EVERYBODY)].some(
      (spell) => kinds.includes(spell.kind) && spell.from <= until && spell.until >= from,
    );
  }

  /** For how long of the time between the two moments. */
  lasted(process: string, kinds: readonly Mishap[], from: number, until: number): number {
    let totalMs = 0;
    for (const spell of this.#of(process)) {
      if (!kinds.includes(spell.kind)) continue;
      totalMs += Math.max(0, Math.min(spell.until, until) - Math.max(spell.from, from));
    }
    return totalMs;
  }

  #of(process: string): Spell[] {
    let spells = this.#spells.get(process);
    if (spells === undefined) this.#spells.set(process, (spells = []));
    return spells;
  }
}
