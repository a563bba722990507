/**
 * One flight of a key that a cache looks after: reads the entry, answers the callers with it if it will do, and takes
 * part in the flight otherwise.
 * - An entry that this process knows to be unexpired is read with a plain GET. If it is not there, a join follows.
 * - Any other is read together with the join, in one round trip.
 *
 * A caller that came after the entry was asked for is never answered with it: a write may have come between. It starts
 * the next flight of the key. Trouble with the cache is a miss.
 */
import type { FallbackReason } from "@skein/core";
import type { Story } from "@skein/core/internal";
import { background } from "@skein/core/internal";
import { answerCallers } from "../answer-callers.ts";
import type { EntryGlimpse, EntryQuestion, JoinReply } from "../coordinator.ts";
import type { Outcome } from "../outcome.ts";
import type { ParticipationOptions } from "../participation-options.ts";
import { Participation } from "../participation.ts";
import { entryHead } from "./entry-format.ts";
import type { EntryPart, SettlePlan } from "./entry-part.ts";
import type { EntryReader, ReadEntry } from "./entry-reader.ts";
import type { EntryEvent, EntryRules } from "./entry-rules.ts";
import type { KnownEntries } from "./known-entries.ts";

/** Any entry will do while somebody else renews it. */
const HOWEVER_STALE_MS = 2 ** 31 - 1;
/** Nothing that is found will do. */
const NONE = "*";
/** Times that an entry may change between the GET and the join before it is not looked at any more. */
const MAX_CHANGES = 2;

export interface EntryConductOptions extends Omit<ParticipationOptions, "entry"> {
  readonly rules: EntryRules;
  readonly reader: EntryReader;
  readonly known: KnownEntries;
  /** The id of the entry that this flight, which has no callers, is to renew. */
  readonly renews: string | undefined;
  /** Starts a flight that renews an entry. */
  readonly onDue: (id: string) => void;
}

export class EntryConduct implements EntryPart {
  readonly #options: EntryConductOptions;
  readonly #participation: Participation;
  #question: Omit<EntryQuestion, "reads">;
  #glimpse: EntryGlimpse | undefined;
  #changes = 0;
  #missed = false;
  /** Not asked the fleet yet. */
  #looking = true;

  constructor(options: EntryConductOptions) {
    const { renews, rules } = options;
    this.#options = options;
    this.#participation = new Participation({ ...options, entry: this });
    this.#question =
      renews === undefined
        ? { seen: "", staleMs: rules.staleMs }
        : { seen: renews, staleMs: HOWEVER_STALE_MS };
  }

  start(): void {
    const { fleet, name } = this.#options;
    const obstacle = fleet.options.availabilityOf(name).obstacle();
    if (obstacle === undefined) {
      // Callers of the same moment share the answer: it is asked for when they have all come.
      queueMicrotask(() => this.#look());
    } else this.#takePart(undefined, obstacle);
  }

  onUnwanted(): void {
    if (this.#looking) this.#end();
    else this.#participation.onUnwanted();
  }

  onReplaced(reason: Error): void {
    if (!this.#looking) this.#participation.onReplaced(reason);
  }

  onClosed(reason: Error): void {
    const looking = this.#looking;
    this.#participation.onClosed(reason);
    if (looking) this.#end();
  }

  get question(): Omit<EntryQuestion, "reads"> {
    return this.#question;
  }

  get optional(): boolean {
    return this.#options.renews !== undefined;
  }

  onGlimpse(glimpse: EntryGlimpse, status: JoinReply["status"]): void {
    this.#glimpse = { ...glimpse, bytes: glimpse.bytes ?? this.#glimpse?.bytes };
    if (status !== "hit" && status !== "lead") this.#tellMiss();
    if (glimpse.bytes !== undefined && this.#options.renews === undefined) {
      background(this.#prepareRescue(glimpse.bytes));
    }
  }

  onHit(sentAt: number): void {
    const { known, flight, renews } = this.#options;
    const { bytes, leftMs = 0, id } = this.#glimpse ?? {};
    if (renews !== undefined) {
      // Somebody has renewed it, or is about to.
      this.#answer({ kind: "value", value: undefined }, "", undefined, sentAt);
      return;
    }
    const read = bytes === undefined ? undefined : this.#options.reader.open(bytes, this.#options.name);
    if (read === undefined || (read.ok && read.entry.id !== id)) {
      // Written between the GET and the join.
      if (++this.#changes > MAX_CHANGES) this.#question = { seen: NONE, staleMs: 0 };
      this.#participation.startOver();
      return;
    }
    if (read.ok && leftMs > 0) known.learn(flight.key, read.entry.id, sentAt + leftMs);
    this.#use(read, leftMs, sentAt, () => this.#participation.startOver());
  }

  onElected(sentAt: number): void {
    const { rules, reader, renews, name } = this.#options;
    const { bytes, leftMs } = this.#glimpse ?? {};
    if (renews !== undefined) return;
    if (bytes === undefined || leftMs === undefined || leftMs + rules.staleMs <= 0) {
      this.#tellMiss();
      return;
    }
    this.#tell({ type: "refresh", why: "stale" });
    this.#use(reader.open(bytes, name), Math.min(leftMs, 0), sentAt, () => this.#tellMiss());
  }

  plan(token: string, outcome: Outcome, tookMs: number): SettlePlan {
    const { rules, flight, known, fleet } = this.#options;
    const { refreshBackoffMs } = rules;
    // An error would take the place of a value that is past its time, but still of use.
    const keeps = outcome.kind === "value" || (outcome.kind === "error" && !this.#sawEntry());
    const terms = keeps ? rules.terms(outcome, flight.work) : undefined;
    const sentAt = fleet.options.clock.now();
    let written: number | undefined;
    return {
      refreshBackoffMs,
      keptMs: terms === undefined ? 0 : terms.ttlMs + terms.graceMs,
      write: (envelopeBytes) => {
        if (terms === undefined) return undefined;
        if (envelopeBytes > rules.maxEntryBytes) {
          this.#tell({ type: "not-written", why: "too-large" });
          return undefined;
        }
        written = envelopeBytes;
        const { ttlMs, graceMs } = terms;
        return { head: entryHead({ id: token, graceMs, ttlMs, workMs: tookMs }), ttlMs: ttlMs + graceMs };
      },
      onSettled: () => {
        if (terms === undefined || written === undefined) return;
        known.learn(flight.key, token, sentAt + terms.ttlMs);
        this.#tell({ type: "written", bytes: written, ttlMs: terms.ttlMs });
      },
    };
  }

  #look(): void {
    const { flight, known, renews } = this.#options;
    if (!this.#looking) return;
    const expected = renews === undefined ? known.find(flight.key) : undefined;
    if (expected === undefined) this.#takePart();
    else background(this.#readAlone(expected));
  }

  #takePart(deadline?: number, obstacle?: FallbackReason): void {
    this.#looking = false;
    this.#participation.start(deadline, obstacle);
  }

  async #readAlone(expected: { readonly id: string; readonly until: number }): Promise<void> {
    const { fleet, flight, known, name, reader } = this.#options;
    const { clock, coordinator, redisTimeoutMs } = fleet.options;
    const availability = fleet.options.availabilityOf(name);
    const sentAt = clock.now();
    const deadline = sentAt + redisTimeoutMs;
    let bytes: Uint8Array | undefined;
    try {
      bytes = await coordinator.entries?.read(name, redisTimeoutMs);
      availability.succeeded(clock.now() - sentAt);
    } catch (error) {
      const { reason } = availability.failed(error);
      if (!this.#looking) return;
      this.#looking = false;
      this.#tell({ type: "read-failed" });
      this.#participation.startAlone(reason);
      return;
    }
    if (!this.#looking) return;
    if (bytes === undefined) {
      known.forget(flight.key);
      this.#tellMiss(true);
      this.#takePart(deadline);
      return;
    }
    const read = reader.open(bytes, name);
    // Another one than was expected, which may be past its time: ask.
    if (read.ok && read.entry.id !== expected.id && read.entry.graceMs > 0) {
      known.forget(flight.key);
      this.#takePart(deadline);
      return;
    }
    const leftMs = Math.max(1, expected.until - sentAt);
    if (!read.ok || read.entry.id !== expected.id) known.forget(flight.key);
    this.#use(read, leftMs, sentAt, () => this.#takePart(deadline));
  }

  /** Answers the callers with what was read at `sentAt`, or says what is wrong with it and goes on without. */
  #use(read: ReadEntry, leftMs: number, sentAt: number, otherwise: () => void): void {
    if (read.ok && !this.#options.reader.checks) this.#answerWith(read, leftMs, sentAt);
    else background(this.#useChecked(read, leftMs, sentAt, otherwise));
  }

  async #useChecked(opened: ReadEntry, leftMs: number, sentAt: number, otherwise: () => void): Promise<void> {
    const { flight, known, reader, policy, fleet } = this.#options;
    // A schema that never answers must not hold the callers longer than a leader may.
    const { promise: tooLate, resolve } = Promise.withResolvers<ReadEntry>();
    const timer = fleet.options.clock.setTimer(
      () => resolve({ ok: false, why: "schema", id: undefined }),
      policy.waitTimeoutMs,
    );
    const read = await Promise.race([reader.check(opened), tooLate]);
    timer.cancel();
    if (read.ok) {
      this.#answerWith(read, leftMs, sentAt);
      return;
    }
    this.#tell({ type: "broken", why: read.why });
    known.forget(flight.key);
    this.#question = { seen: NONE, staleMs: 0 };
    if (!flight.over) otherwise();
    else if (this.#looking) this.#end();
    else this.#participation.finish();
  }

  #answerWith(read: Extract<ReadEntry, { ok: true }>, leftMs: number, sentAt: number): void {
    const { rules, onDue } = this.#options;
    const { entry, outcome, traceparent } = read;
    this.#tell({ type: "hit", how: leftMs > 0 ? "fresh" : "stale", kind: outcome.kind });
    this.#answer(outcome, entry.id, traceparent, sentAt);
    if (leftMs <= 0 || !rules.isDue(leftMs, entry.workMs)) return;
    this.#tell({ type: "refresh", why: "early" });
    onDue(entry.id);
  }

  #answer(outcome: Outcome, id: string, traceparent: string | undefined, sentAt: number): void {
    const { flight, pilot } = this.#options;
    const story: Story = { role: "follower", flightId: id, takeovers: 0, traceparent };
    const late = flight.takeLaterThan(sentAt);
    flight.rescue = undefined;
    answerCallers(flight, outcome, story);
    if (this.#looking) this.#end();
    else this.#participation.finish();
    flight.table.rehome(flight.key, late, pilot);
  }

  /** Has what is past its time at hand, should the work fail. */
  async #prepareRescue(bytes: Uint8Array): Promise<void> {
    const { flight, reader, name } = this.#options;
    const opened = reader.open(bytes, name);
    if (!opened.ok || opened.entry.graceMs === 0) return;
    const read = reader.checks ? await reader.check(opened) : opened;
    if (!read.ok || read.outcome.kind === "error") return;
    const { value } = read.outcome;
    flight.rescue = () => {
      this.#tell({ type: "hit", how: "error", kind: "value" });
      return { value };
    };
  }

  #sawEntry(): boolean {
    return this.#glimpse?.bytes !== undefined && this.#question.seen !== NONE;
  }

  #end(): void {
    this.#looking = false;
    this.#options.onOver();
  }

  #tellMiss(unexpected: boolean = false): void {
    if (this.#missed || this.optional) return;
    this.#missed = true;
    this.#tell({ type: "miss", unexpected });
  }

  #tell(event: EntryEvent): void {
    this.#options.rules.onEvent(this.#options.flight.key, event);
  }
}
