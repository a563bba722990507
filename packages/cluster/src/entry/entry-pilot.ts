/** Flies the flights of one prefix for one cache. */
import { Flight } from "@skein/core/internal";
import { ClusterPilot, type Conduct } from "../cluster-pilot.ts";
import type { FallbackLimit } from "../fallback.ts";
import type { Fleet } from "../fleet.ts";
import type { ParticipationOptions } from "../participation-options.ts";
import type { Policy } from "../policy.ts";
import { EntryConduct } from "./entry-conduct.ts";
import { EntryReader } from "./entry-reader.ts";
import type { EntryRules } from "./entry-rules.ts";
import type { KnownEntries } from "./known-entries.ts";

export class EntryPilot extends ClusterPilot {
  readonly #rules: EntryRules;
  readonly #known: KnownEntries;
  readonly #reader: EntryReader;
  /** Flights without callers that renew an entry before its time, and the id of that entry. One per key. */
  readonly #renewals = new Map<Flight, string>();
  readonly #renewing = new Set<string>();

  constructor(
    fleet: Fleet,
    policy: Policy,
    fallbackLimit: FallbackLimit,
    rules: EntryRules,
    known: KnownEntries,
  ) {
    super(fleet, policy, fallbackLimit);
    this.#rules = rules;
    this.#known = known;
    this.#reader = new EntryReader(fleet, policy, rules.schema);
  }

  protected override conductOf(options: ParticipationOptions): Conduct {
    const { flight } = options;
    return new EntryConduct({
      ...options,
      rules: this.#rules,
      reader: this.#reader,
      known: this.#known,
      renews: this.#renewals.get(flight),
      onDue: (id) => this.#renew(flight, id),
      onOver: () => {
        if (this.#renewals.delete(flight)) this.#renewing.delete(flight.key);
        options.onOver();
      },
    });
  }

  #renew({ key, table, work }: Flight, id: string): void {
    if (this.#renewing.has(key) || table.closed) return;
    const flight = new Flight(table, key, work, this, undefined);
    this.#renewing.add(key);
    this.#renewals.set(flight, id);
    flight.launch();
  }
}
