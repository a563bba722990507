/**
 * One election's votes, as the package `redlock` asks for them: it knows its servers as clients that call back, and waits
 * for all of them. So a voter that is slow is answered for, as one that did not vote, as soon as a majority has voted, none
 * can be had any more, or the time is up. What it says afterwards does not count; what it granted is taken back.
 */
import { createHash } from "node:crypto";
import { background } from "@skein/core/internal";
import type { Clock, Timer } from "@skein/core";
import type Redlock from "redlock";
import type { FlightName } from "../flight-keys.ts";
import { CommandFailure } from "../redis/command-failure.ts";
import { majorityOf } from "./majority.ts";
import type { QuorumNode } from "./quorum-node.ts";

type Callback = (error: Error | null, result?: unknown) => void;
type Words = readonly (string | number)[];
/** One that has not been given. Redlock calls back the same function for several. */
interface Vote {
  readonly callback: Callback;
}
type Voter = Redlock.CompatibleRedisClient & { evalsha: unknown };

/** What redlock expects of a server that has voted for it, or has let go of one key. */
const GRANTED = 1;
const RELEASED = 1;
const UNKNOWN_SCRIPT = "NOSCRIPT";

export interface BallotOptions {
  readonly flight: FlightName;
  readonly nodes: readonly QuorumNode[];
  readonly clock: Clock;
  /** For all votes together. */
  readonly withinMs: number;
}

export class Ballot {
  readonly voters: Voter[];
  readonly #options: BallotOptions;
  readonly #open = new Set<Vote>();
  readonly #timer: Timer;
  #uncounted: number;
  #granted = 0;
  #closed = false;
  #releaseText = "";

  constructor(options: BallotOptions) {
    const { nodes, clock, withinMs } = options;
    this.#options = options;
    this.#uncounted = nodes.length;
    this.voters = nodes.map((node) => this.#voterOf(node));
    this.#timer = clock.setTimer(() => this.#close(), withinMs);
  }

  /** For redlock's option `unlockScript`: what a vote is taken back with. */
  readonly takeBackWith = (text: string): string => (this.#releaseText = text);

  #voterOf(node: QuorumNode): Voter {
    let asked = false;
    const ask = (command: "EVAL" | "EVALSHA", words: Words, callback: Callback): void => {
      if (this.#releases(words)) {
        // Nobody waits for that: a lock that is not released ends by itself.
        if (asked) background(this.#release(node, words));
        callback(null, RELEASED);
        return;
      }
      if (this.#closed) {
        callback(new Error("no answer"));
        return;
      }
      asked = true;
      const vote: Vote = { callback };
      this.#open.add(vote);
      background(
        node.vote(this.#options.flight, command, words).then(
          (result) => this.#count(vote, null, result),
          (error: unknown) => this.#count(vote, asReplyError(error)),
        ),
      );
    };
    return {
      eval: (words: Words, callback: Callback) => ask("EVAL", words, callback),
      evalsha: (digest: string, words: Words, callback: Callback) =>
        ask("EVALSHA", [digest, ...words], callback),
    };
  }

  #count(vote: Vote, error: Error | null, result?: unknown): void {
    if (!this.#open.delete(vote)) return;
    // Redlock sends the script's text then, and this voter votes once more.
    if (error?.message !== UNKNOWN_SCRIPT) {
      this.#uncounted -= 1;
      if (result === GRANTED) this.#granted += 1;
    }
    vote.callback(error, result);
    const needed = majorityOf(this.#options.nodes.length);
    const decided = this.#granted >= needed || this.#granted + this.#uncounted < needed;
    if (decided || this.#uncounted === 0) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer.cancel();
    const open = [...this.#open];
    this.#open.clear();
    for (const { callback } of open) callback(new Error("no answer"));
  }

  #releases([script]: Words): boolean {
    return script === this.#releaseText || script === sha1(this.#releaseText);
  }

  async #release(node: QuorumNode, [, ...rest]: Words): Promise<void> {
    try {
      await node.say("EVALSHA", [sha1(this.#releaseText), ...rest]);
    } catch (error) {
      if (asReplyError(error).message !== UNKNOWN_SCRIPT) return;
      await node.say("EVAL", [this.#releaseText, ...rest]).catch(() => undefined);
    }
  }
}

/** Redlock sends a script's text when the message begins so. */
function asReplyError(error: unknown): Error {
  const code = error instanceof CommandFailure ? error.serverCode : undefined;
  return new Error(code ?? "no answer");
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
