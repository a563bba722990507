/**
 * The flights that have their key's place, by key and by age. An ended flight leaves its place behind for a while, with
 * nothing in it: keys come again, and a Map that is emptied and filled all the time spends a tenth of a flight's time on
 * clearing up. Not promised: that a key is forgotten with its flight. Long ones are.
 */
import type { Flight } from "./flight.ts";

/** So many empty places are kept, or for each flight so many. */
const PLACES_KEPT = 512;
const KEPT_PER_FLIGHT = 4;
/** A longer key, in characters, leaves with its flight. */
const LONGEST_KEPT = 128;

/** Where flights of one key come and go. A flight knows its own, so that nothing is looked up when it leaves. */
export interface Place {
  flight: Flight | undefined;
}

export class FlightIndex {
  #places = new Map<string, Place>();
  #size = 0;
  #oldest: Flight | undefined;
  #youngest: Flight | undefined;
  /** The key that was last asked for in vain, and its place: whoever finds no flight enters one. */
  #askedFor: string | undefined;
  #found: Place | undefined;

  get size(): number {
    return this.#size;
  }

  /** The one that was entered first. */
  get oldest(): Flight | undefined {
    return this.#oldest;
  }

  get(key: string): Flight | undefined {
    const place = this.#places.get(key);
    const flight = place?.flight;
    if (flight === undefined) {
      this.#askedFor = key;
      this.#found = place;
    }
    return flight;
  }

  /** There must be none of its key. */
  enter(flight: Flight): void {
    let place = this.#askedFor === flight.key ? this.#found : this.#places.get(flight.key);
    if (place === undefined) {
      place = { flight };
      this.#places.set(flight.key, place);
      this.#askedFor = undefined;
    } else {
      place.flight = flight;
    }
    this.#size++;
    flight.place = place;
    flight.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = flight;
    else this.#youngest.younger = flight;
    this.#youngest = flight;
  }

  /** Takes a flight out, if it is in. */
  leave(flight: Flight): boolean {
    const { key, place, older, younger } = flight;
    if (place === undefined) return false;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    flight.older = undefined;
    flight.younger = undefined;
    flight.place = undefined;
    place.flight = undefined;
    this.#size--;
    const kept = this.#places.size - this.#size;
    if (key.length > LONGEST_KEPT) this.#forget(key);
    else if (kept > PLACES_KEPT && kept > KEPT_PER_FLIGHT * this.#size) this.#clearUp();
    return true;
  }

  *[Symbol.iterator](): Generator<Flight> {
    for (let flight = this.#oldest; flight !== undefined; flight = flight.younger) yield flight;
  }

  #forget(key: string): void {
    this.#places.delete(key);
    this.#askedFor = undefined;
  }

  #clearUp(): void {
    const places = new Map<string, Place>();
    for (const { key, place } of this) if (place !== undefined) places.set(key, place);
    this.#places = places;
    this.#askedFor = undefined;
  }
}
