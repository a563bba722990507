/**
 * Stands beside the simulated server and holds every reply against the promises, by a book of its own: who reigns over
 * a key, who was lost and with what excuse, what is retained. What it says is exact, since it sees the server's own order.
 */
import type {
  JoinReply,
  JoinRequest,
  RenewReply,
  RenewRequest,
  ResignReply,
  ResignRequest,
  SettleReply,
  SettleRequest,
} from "../../src/coordinator.ts";
import { grantOf } from "../../src/fencing-token.ts";
import { attemptOf, KeyBook, type Reign } from "./key-book.ts";
import type { Mishaps } from "./mishaps.ts";
import { NOBODY, type Recorder } from "./recorder.ts";

export interface RefereeOptions {
  readonly recorder: Recorder;
  readonly mishaps: Mishaps;
  readonly now: () => number;
  /** The server's own clock, microseconds. */
  readonly serverUs: () => number;
}

export class Referee {
  readonly violations: string[] = [];
  /** Tokens elected in the place of a leader that was lost. */
  readonly successions = new Set<string>();
  /** Tokens in the order of their elections, as a clock that never jumps would have numbered them. */
  readonly elections = new Map<string, number>();
  readonly #options: RefereeOptions;
  #lastGrant = 0;
  readonly #books = new Map<string, KeyBook>();
  /** When the outcome that has this text was last accepted, or accepted again. */
  readonly #settledAt = new Map<string, number>();

  constructor(options: RefereeOptions) {
    this.#options = options;
  }

  /** The moment from which the server had this outcome; `undefined` when it never had. */
  settledAt(value: string): number | undefined {
    return this.#settledAt.get(value);
  }

  reigns(key: string, token: string): boolean {
    return this.#book(key).reign?.token === token;
  }

  /** The server has no record of the key (any more). */
  onRecordBegun(key: string): void {
    const book = this.#book(key);
    const { reign } = book;
    // A record ends long after its lease.
    if (reign !== undefined) this.#excuse(key, reign);
    book.begin();
  }

  onDataLost(): void {
    for (const book of this.#books.values()) book.lose();
  }

  onClockJump(ms: number): void {
    for (const book of this.#books.values()) {
      if (book.reign !== undefined && book.reign.leaseEndsAtUs <= this.#options.serverUs()) {
        book.reign.leaseEndsAtUs = 0;
      }
      if (ms < 0) book.clockWentBack = true;
    }
  }

  onJoin(key: string, process: string, request: JoinRequest, reply: JoinReply): void {
    const book = this.#book(key);
    const attempt = `${process}:${request.nonce}`;
    switch (reply.status) {
      case "lead":
        this.#onElected(key, process, request, reply.token);
        book.registrations.delete(attempt);
        return;
      case "follow": {
        const { reign } = book;
        if (reign?.token !== reply.token) {
          this.#foul("I2", key, `${process} follows ${reply.token}, who does not lead`);
        } else if (attemptOf(reply.token) === attempt) this.#foul("P2", key, `${attempt} waits for itself`);
        this.#onServed(key, process, request, "follow");
        const expiresAtUs = this.#options.serverUs() + request.registrationMs * 1_000;
        book.registrations.set(attempt, { grant: grantOf(reply.token), expiresAtUs });
        return;
      }
      case "settled":
        book.registrations.delete(attempt);
        this.#onRetained(key, process, request, reply);
        return;
      case "abandoned":
        book.registrations.delete(attempt);
        this.#onLost(key, request);
        if (book.losses <= request.maxTakeovers) {
          this.#foul(
            "I11",
            key,
            `abandoned after ${book.losses} losses; ${request.maxTakeovers} are allowed`,
          );
        }
        if (book.abandonedAtMs === undefined) book.abandon(this.#options.now(), request.abandonMs);
        return;
      case "lost":
        book.registrations.delete(attempt);
        if (request.takesOver) this.#foul("P5", key, `${process} was not let to succeed`);
        this.#onLost(key, request);
        return;
      default:
    }
  }

  onRenew(key: string, request: RenewRequest, reply: RenewReply): void {
    const book = this.#book(key);
    const { reign } = book;
    const isHolder = reign?.token === request.token;
    if (reply.status === "held" && !isHolder) {
      this.#foul("I2", key, `${request.token} was renewed; ${reign?.token} leads`);
    }
    if (reply.status !== "held" && isHolder) {
      this.#foul("P4", key, `${request.token} leads, and was not renewed`);
    }
    book.withdraw(request.token);
    if (!isHolder) return;
    reign.signAtMs = this.#options.now();
    reign.leaseEndsAtUs = this.#options.serverUs() + request.leaseMs * 1_000;
  }

  onSettle(key: string, process: string, request: SettleRequest, reply: SettleReply): void {
    const book = this.#book(key);
    const { recorder, now, serverUs } = this.#options;
    const { reign, retained } = book;
    const token = book.claimed(process, request.claim);
    book.unregister(process, request.claim);
    const text = Buffer.from(request.outcome).toString("latin1");
    const value = /k:\w+#\d+/.exec(text)?.[0];
    if (reply.status === "fenced") {
      if (reign !== undefined && reign.token === token) {
        this.#foul("P4", key, `${token} leads, and its outcome was refused`);
      }
      book.withdraw(token);
      return;
    }
    if (value !== undefined) this.#settledAt.set(value, now());
    if (reply.status === "already") {
      if (retained?.token !== token) this.#foul("I2", key, `${token} had not settled already`);
      recorder.record(process, { ev: "settle-accepted", key, token, tSent: now(), already: true });
      return;
    }
    if (token === "") {
      this.#foul("I2", key, `an outcome of ${process} was accepted, who had never been elected`);
      return;
    }
    recorder.record(process, { ev: "settle-accepted", key, token, tSent: now() });
    if (reign === undefined || reign.token !== token) {
      this.#foul("I2", key, `an outcome of ${process} was accepted for ${token}; ${reign?.token} leads`);
    }
    if (grantOf(token) < book.lastSettledGrant) {
      this.#foul("I3", key, `${token} settled after ${book.lastSettledGrant}`);
    }
    book.settle({
      token,
      outcome: text,
      atUs: serverUs(),
      keptMs: request.retainMs,
      newcomers: request.unshareable ? "all" : request.failed === true ? "none" : "fresh",
    });
  }

  onResign(key: string, process: string, request: ResignRequest, reply: ResignReply): void {
    const book = this.#book(key);
    const token = book.claimed(process, request.claim);
    const isHolder = book.reign?.token === token;
    book.unregister(process, request.claim);
    const followers = book.followers(this.#options.serverUs());
    if (reply.status === "fenced") {
      if (isHolder) this.#foul("P4", key, `${token} leads, and could not resign`);
      book.withdraw(token);
      return;
    }
    if (!isHolder) this.#foul("I2", key, `${token} resigned; ${book.reign?.token} leads`);
    if (reply.status === "wanted") return;
    if (request.ifUnwanted && followers > 0) {
      this.#foul("P1", key, `${token} was let go while ${followers} waited`);
    }
    // Its process may hear of it later, or never.
    this.#options.recorder.record(process, { ev: "resigned", key, token });
    book.resign(token, request.countsAsTakeover, followers);
  }

  onLeave(key: string, process: string, nonce: string): void {
    this.#book(key).registrations.delete(`${process}:${nonce}`);
  }

  onForget(key: string, dropped: boolean): void {
    this.#book(key).forget();
    if (dropped) this.#options.recorder.record(NOBODY, { ev: "forgotten", key });
  }

  #onElected(key: string, process: string, request: JoinRequest, token: string): void {
    const book = this.#book(key);
    const { now, serverUs, mishaps } = this.#options;
    if (attemptOf(token) !== `${process}:${request.nonce}`) {
      this.#foul("I1", key, `${process} was given the token of ${attemptOf(token)}`);
    }
    // Told again of an election that it won before.
    if (book.reign?.token === token) return;
    // A repeated join may find nothing there any more, and the clock where it was.
    if (this.elections.has(token) && !mishaps.befell(process, ["server"], 0, now())) {
      this.#foul("I1", key, `${token} was elected twice`);
    }
    this.#lastGrant = Math.max(this.#lastGrant + 1, now() * 1_000);
    this.elections.set(token, this.#lastGrant);
    this.#onServed(key, process, request, "lead");
    // A probe of a prefix that allows no takeover is not told that it is one.
    if (book.reign !== undefined && request.maxTakeovers > 0) this.successions.add(token);
    this.#onLost(key, request);
    if (book.losses > request.maxTakeovers) {
      const waitedMs = book.abandonedAtMs === undefined ? -1 : now() - book.abandonedAtMs;
      // Of the server's time, which a jump may have shortened.
      const jumped = mishaps.befell(process, ["server"], book.abandonedAtMs ?? 0, now());
      if (waitedMs < 0 || (waitedMs < Math.min(request.abandonMs, book.abandonMs) && !jumped)) {
        this.#foul(
          "I11",
          key,
          `${process} leads after ${book.losses} losses; ${request.maxTakeovers} are allowed`,
        );
      }
      book.admitProbe(request.maxTakeovers);
    }
    book.reign = { token, process, signAtMs: now(), leaseEndsAtUs: serverUs() + request.leaseMs * 1_000 };
  }

  /** If somebody reigned, a join has found it lost: by time, or on evidence. */
  #onLost(key: string, request: JoinRequest): void {
    const book = this.#book(key);
    const { reign } = book;
    if (reign === undefined || book.presumed.has(reign.token)) return;
    const hasLapsed = this.#options.serverUs() >= reign.leaseEndsAtUs;
    const isDeposed = request.depose?.token === reign.token;
    if (hasLapsed || isDeposed) this.#excuse(key, reign);
    else this.#foul("I1", key, `somebody was elected while ${reign.token} held the lease`);
    reign.leaseEndsAtUs = 0;
    book.presumeLost(reign);
  }

  /** Whoever followed a flight whose outcome is retained gets it, and not another execution. */
  #onServed(key: string, process: string, { firstGrant }: JoinRequest, what: string): void {
    const retained = this.#book(key).retainedAt(this.#options.serverUs());
    if (retained === undefined || firstGrant === undefined || grantOf(retained.token) < firstGrant) return;
    this.#foul(
      "I5",
      key,
      `${process} was told to ${what} although the outcome of ${retained.token} is retained`,
    );
  }

  #onRetained(
    key: string,
    process: string,
    { firstGrant, freshMs }: JoinRequest,
    { token, outcome }: Extract<JoinReply, { status: "settled" }>,
  ): void {
    const { retained } = this.#book(key);
    if (retained?.token !== token || retained.outcome !== Buffer.from(outcome).toString("latin1")) {
      this.#foul("I7", key, `${process} was given what ${token} never settled`);
      return;
    }
    const ageMs = (this.#options.serverUs() - retained.atUs) / 1_000;
    const isDue =
      firstGrant === undefined
        ? retained.newcomers === "all" || (retained.newcomers === "fresh" && ageMs >= 0 && ageMs < freshMs)
        : grantOf(token) >= firstGrant;
    if (!isDue) this.#foul("I4", key, `${process} was given an outcome ${ageMs} ms old`);
  }

  /** A leader that was neither stopped nor cut off keeps its lease: an inbox that was away is no excuse. */
  #excuse(key: string, { token, process, signAtMs }: Reign): void {
    const { mishaps, now, recorder } = this.#options;
    // Whoever runs from now on need not know of it.
    recorder.record(NOBODY, { ev: "expired", key, token });
    if (mishaps.befell(process, ["stopped", "packet", "server"], signAtMs, now())) return;
    this.#foul("I6", key, `${token} was lost, and nothing had happened to ${process} since ${signAtMs}`);
  }

  #foul(invariant: string, key: string, what: string): void {
    this.violations.push(`${invariant}: ${key}: ${what} (at ${this.#options.now()})`);
  }

  #book(key: string): KeyBook {
    let book = this.#books.get(key);
    if (book === undefined) this.#books.set(key, (book = new KeyBook()));
    return book;
  }
}
