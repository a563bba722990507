/** The network of a simulation: loses, repeats and delays packets, cuts processes off, hangs with the server. */
import type { Clock } from "@skein/core";
import type { SeededRandom } from "@skein/testkit";
import type { MemoryNetwork, Packet } from "../../src/memory/index.ts";
import type { Mishaps } from "./mishaps.ts";

export interface Weather {
  /** Shares of all packets. */
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
}

export const CALM: Weather = { lost: 0, repeated: 0, late: 0 };
/** No packet is under way longer, but while the server hangs. */
export const LATEST_MS = 400;
/** A packet that takes longer excuses what comes of it. */
const UNREMARKABLE_MS = 12;

export class SimulatedNetwork implements MemoryNetwork {
  weather: Weather;
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #mishaps: Mishaps;
  readonly #cutOff = new Set<string>();
  #hangsUntil = 0;

  constructor(clock: Clock, random: SeededRandom, mishaps: Mishaps, weather: Weather) {
    this.#clock = clock;
    this.#random = random;
    this.#mishaps = mishaps;
    this.weather = weather;
  }

  /** Nothing to or from this process arrives. */
  cutOff(process: string): void {
    this.#cutOff.add(process);
  }

  heal(process: string): void {
    this.#cutOff.delete(process);
  }

  /** Requests wait for so long, and are then carried out. */
  hang(forMs: number): void {
    this.#hangsUntil = Math.max(this.#hangsUntil, this.#clock.now() + forMs);
  }

  copies(packet: Packet): readonly number[] {
    const { lost, repeated } = this.weather;
    if (this.#cutOff.has(packet.process) || this.#happens(lost)) return this.#remark(packet, []);
    return this.#remark(
      packet,
      this.#happens(repeated) ? [this.#delay(packet), this.#delay(packet)] : [this.#delay(packet)],
    );
  }

  #delay({ kind }: Packet): number {
    const wayMs = this.#happens(this.weather.late)
      ? this.#random.integer(LATEST_MS)
      : this.#random.integer(4);
    const hangsMs = kind === "request" ? Math.max(0, this.#hangsUntil - this.#clock.now()) : 0;
    return wayMs + hangsMs;
  }

  #happens(share: number): boolean {
    return share > 0 && this.#random.fraction() < share;
  }

  #remark({ kind, process }: Packet, copies: readonly number[]): readonly number[] {
    // A copy that comes late may be carried out when what it asks for is over.
    const latestMs = copies.length === 0 ? Infinity : Math.max(...copies);
    if (kind !== "message" && latestMs > UNREMARKABLE_MS) {
      this.#mishaps.happened("packet", process, Math.min(latestMs, LATEST_MS));
    }
    return copies;
  }
}
