/**
 * Signatures for cache entries in a store that the flights know nothing of, with the secrets of the flights: for one key
 * of one namespace, and until a moment of server time. For the package `@skein/cache`. Not promised: that the time is
 * known. A process that has never heard of its flights' Redis can neither sign nor believe.
 */
import { ENTRY_SIGNING } from "@skein/core/internal";
import type { Fleet } from "../fleet.ts";
import type { SignatureFault, Signatures } from "../signatures.ts";

export interface SignedEntry {
  readonly key: string;
  /** The entry's first line up to its checksum. It begins unlike that of an outcome, so neither passes for the other. */
  readonly header: string;
  readonly payload: Uint8Array;
}

/** No flight: the entry is whoever's who has the secret. */
const NO_TOKEN = "";

export class EntrySigning {
  readonly #fleet: Fleet;
  readonly #signatures: Signatures;

  constructor(fleet: Fleet, signatures: Signatures) {
    this.#fleet = fleet;
    this.#signatures = signatures;
  }

  /** Server time in ms; a process that has just begun may have to wait for its connection, `redisTimeoutMs` at most. */
  async nowMs(key: string): Promise<number | undefined> {
    const { coordinator, availabilityOf, keys, clock, redisTimeoutMs } = this.#fleet.options;
    const flight = keys.flight(key);
    const known = coordinator.serverTimeMs(flight);
    if (known !== undefined) return known;
    const availability = availabilityOf(flight);
    if (availability.peek() !== undefined) return undefined;
    await availability.whenUp(clock.now() + redisTimeoutMs);
    return coordinator.serverTimeMs(flight);
  }

  /** `keptMs`: how long the entry will be kept. */
  sign(entry: SignedEntry, nowMs: number, keptMs: number): string {
    return this.#signatures.sign(this.#signed(entry), nowMs, keptMs);
  }

  faultOf(signature: string, entry: SignedEntry, nowMs: number | undefined): SignatureFault | undefined {
    return this.#signatures.faultOf(signature, this.#signed(entry), nowMs);
  }

  #signed({ key, header, payload }: SignedEntry): Parameters<Signatures["sign"]>[0] {
    const { id } = this.#fleet.options.keys.flight(key);
    return { flightId: id, token: NO_TOKEN, header, payload };
  }
}

/** Lets a cache with a store of its own sign its entries, without depending on this package. */
export function offerEntrySigning(flights: object, fleet: Fleet): void {
  const { signatures } = fleet.options;
  if (signatures === undefined) return;
  Object.defineProperty(flights, ENTRY_SIGNING, { value: new EntrySigning(fleet, signatures) });
}
