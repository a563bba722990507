/** What one flight has to do with the cache entry of its key: hits, glimpses, writing, and the pause after a failure. */
import type { JoinReply, JoinRequest, SettleRequest } from "../coordinator.ts";
import type { MemoryEntry } from "./memory-entries.ts";
import { RefreshBackoff } from "./refresh-backoff.ts";

type Head = NonNullable<ReturnType<MemoryEntry["head"]>>;

export class EntryDesk {
  readonly #entry: MemoryEntry;
  readonly #now: () => number;
  readonly #backoff = new RefreshBackoff();

  /** `now`: server time, whole microseconds. */
  constructor(entry: MemoryEntry, now: () => number) {
    this.#entry = entry;
    this.#now = now;
  }

  /** The reply, if the entry will do whatever becomes of the flight. */
  hitBeforeElection(request: JoinRequest): JoinReply | undefined {
    const head = this.#headFor(request);
    if (head !== undefined && head.leftMs > 0 && head.id !== request.entry?.seen) return hit(head);
    return this.#backoff.isOn(this.#now()) ? this.makeDo(request) : undefined;
  }

  /** The reply, if an entry past its time will do because somebody else sees to a new one. */
  makeDo(request: JoinRequest): JoinReply | undefined {
    const head = this.#headFor(request);
    const newcomer = request.firstGrant === undefined;
    if (head === undefined || request.entry === undefined || !newcomer) return undefined;
    return head.leftMs + request.entry.staleMs > 0 ? hit(head) : undefined;
  }

  /** A verdict, with what a join that asked about the entry is told of it besides. */
  glimpse(request: JoinRequest, verdict: JoinReply): JoinReply {
    if (request.entry === undefined) return verdict;
    const bytes = request.entry.reads ? this.#entry.bytes : undefined;
    const leftMs = verdict.status === "lead" ? this.#headFor(request)?.leftMs : undefined;
    return { ...verdict, entry: { leftMs, id: undefined, ...verdict.entry, bytes } };
  }

  /** An accepted settlement. Returns for how many ms it has to be remembered on its account. */
  settle({ entry, outcome, refreshBackoffMs = 0 }: SettleRequest): number {
    if (entry !== undefined) this.#entry.write(entry, outcome);
    // Twice as long, so that a further failure is known for one.
    if (refreshBackoffMs > 0) return this.#backoff.failed(refreshBackoffMs, this.#now()) * 2;
    this.#backoff.clear();
    return 0;
  }

  forget(): void {
    this.#backoff.clear();
  }

  #headFor({ entry }: JoinRequest): Head | undefined {
    return entry === undefined || entry.seen === "*" ? undefined : this.#entry.head();
  }
}

function hit(head: Head): JoinReply {
  return { status: "hit", entry: { bytes: undefined, ...head } };
}
