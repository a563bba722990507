/** The followers of one flight. A registration that is not refreshed stops counting, but is still told of an ending. */
import type { Transport } from "../coordinator.ts";

export interface Registration {
  readonly process: string;
  readonly nonce: string;
  readonly transport: Transport;
  /** Of the leader that was followed when it registered last. */
  readonly grant: number;
  readonly expiresAtUs: number;
}

export class Registrations {
  readonly #clock: { now(): number };
  readonly #entries = new Map<string, Registration>();

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  get all(): readonly Registration[] {
    return [...this.#entries.values()];
  }

  /** How many have not expired. */
  get live(): number {
    const now = this.#clock.now();
    return this.all.filter(({ expiresAtUs }) => expiresAtUs >= now).length;
  }

  /** False when it was there before, live or expired. */
  put(registration: Registration): boolean {
    const name = nameOf(registration);
    const isNew = !this.#entries.has(name);
    this.#entries.set(name, registration);
    return isNew;
  }

  remove(registration: Pick<Registration, "process" | "nonce">): void {
    this.#entries.delete(nameOf(registration));
  }

  clear(): void {
    this.#entries.clear();
  }
}

function nameOf({ process, nonce }: Pick<Registration, "process" | "nonce">): string {
  return `${process}:${nonce}`;
}
