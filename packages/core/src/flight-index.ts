/**
 * The flights that have their key's place, by key and by age. An ended flight leaves its key behind for a while, with
 * nothing in it: keys come again, and a Map that is emptied and filled all the time spends a tenth of a flight's time on
 * clearing up. Not promised: that a key is forgotten with its flight. Long ones are.
 */
import type { Flight } from "./flight.ts";

/** So many empty places are kept, or for each flight so many. */
const PLACES_KEPT = 512;
const KEPT_PER_FLIGHT = 4;
/** A longer key, in characters, leaves with its flight. */
const LONGEST_KEPT = 128;

export class FlightIndex {
  #places = new Map<string, Flight | undefined>();
  #size = 0;
  #oldest: Flight | undefined;
  #youngest: Flight | undefined;

  get size(): number {
    return this.#size;
  }

  /** The one that was entered first. */
  get oldest(): Flight | undefined {
    return this.#oldest;
  }

  get(key: string): Flight | undefined {
    return this.#places.get(key);
  }

  /** There must be none of its key. */
  enter(flight: Flight): void {
    this.#places.set(flight.key, flight);
    this.#size++;
    flight.listed = true;
    flight.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = flight;
    else this.#youngest.younger = flight;
    this.#youngest = flight;
  }

  /** Takes a flight out, if it is in. */
  leave(flight: Flight): boolean {
    const { key, listed, older, younger } = flight;
    if (!listed) return false;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    flight.older = undefined;
    flight.younger = undefined;
    flight.listed = false;
    this.#size--;
    if (key.length > LONGEST_KEPT) this.#places.delete(key);
    else this.#places.set(key, undefined);
    const kept = this.#places.size - this.#size;
    if (kept > PLACES_KEPT && kept > KEPT_PER_FLIGHT * this.#size) this.#clearUp();
    return true;
  }

  *[Symbol.iterator](): Generator<Flight> {
    for (let flight = this.#oldest; flight !== undefined; flight = flight.younger) yield flight;
  }

  #clearUp(): void {
    this.#places = new Map(Array.from(this, (flight) => [flight.key, flight]));
  }
}
