/** Cache entries beside the flights of one Redis: a plain GET to read one, and a script of its own for each change. */
import type { EntryOperations, SetEntryRequest } from "../coordinator.ts";
import { PROTOCOL_VERSION, type FlightName } from "../flight-keys.ts";
import type { ScriptCall } from "./define-script.ts";
import { deleteScript, setScript } from "./flight-scripts.ts";
import type { ScriptReply } from "./script-runner.ts";
import type { Servers } from "./servers.ts";

/** Runs a script on a flight, and tells whoever has to hear of it. */
type RunScript = (call: ScriptCall, flight: FlightName) => Promise<{ readonly fields: ScriptReply }>;

export class RedisEntries implements EntryOperations {
  readonly #options: { readonly servers: Servers; readonly inboxPrefix: string };
  readonly #run: RunScript;

  constructor(options: { readonly servers: Servers; readonly inboxPrefix: string }, run: RunScript) {
    this.#options = options;
    this.#run = run;
  }

  async read(flight: FlightName, withinMs: number): Promise<Uint8Array | undefined> {
    const { entryKey } = flight;
    return this.#options.servers.ask(entryKey, Math.max(1, withinMs), (server, leftMs) =>
      server.read(entryKey, leftMs),
    );
  }

  async set({ flight, outcome, entry }: SetEntryRequest): Promise<void> {
    const args = { entryHead: entry.head, outcome, entryTtlMs: entry.ttlMs, ...this.#messages(flight) };
    await this.#run(setScript.call(flight, args, true), flight);
  }

  async delete(flight: FlightName): Promise<boolean> {
    const call = deleteScript.call(flight, this.#messages(flight), true);
    const { fields } = await this.#run(call, flight);
    return Number(fields[0]) === 1;
  }

  #messages(flight: FlightName): { inboxPrefix: string; header: number; flightId: string } {
    const { inboxPrefix } = this.#options;
    return { inboxPrefix, header: PROTOCOL_VERSION, flightId: flight.id };
  }
}
