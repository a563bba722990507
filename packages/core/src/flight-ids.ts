/** Names for the flights of one coalescer: unlike each other, and unlike those of any other one. */
import type { Randomness } from "./randomness.ts";

/** Two digits of base 36. Turning a number into text costs more than all else that a name takes. */
const ENDINGS = Array.from({ length: 36 ** 2 }, (_, number) => number.toString(36).padStart(2, "0"));

export class FlightIds {
  readonly #prefix: string;
  #stems = 0;
  #stem = "";
  /** Endings that the present stem has had. */
  #used = ENDINGS.length;

  constructor(randomness: Randomness) {
    this.#prefix = `${randomness.identifier(8)}-`;
  }

  next(): string {
    if (this.#used === ENDINGS.length) {
      this.#stem = this.#prefix + (this.#stems++).toString(36);
      this.#used = 0;
    }
    return this.#stem + ENDINGS[this.#used++];
  }
}
