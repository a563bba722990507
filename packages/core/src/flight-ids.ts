/** Names for the flights of one coalescer: unlike each other, and unlike those of any other one. */
import type { Randomness } from "./randomness.ts";

/** Two digits of base 36. Turning a number into text costs more than all else that a name takes. */
const ENDINGS = Array.from({ length: 36 ** 2 }, (_, number) => number.toString(36).padStart(2, "0"));

export class FlightIds {
  readonly #prefix: string;
  #count = 0;
  #stem = "";

  constructor(randomness: Randomness) {
    this.#prefix = `${randomness.identifier(8)}-`;
  }

  next(): string {
    const ending = this.#count % ENDINGS.length;
    if (ending === 0) this.#stem = this.#prefix + (this.#count / ENDINGS.length).toString(36);
    this.#count++;
    return this.#stem + ENDINGS[ending];
  }
}
