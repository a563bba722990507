// What this replica is doing, counted for the live page and for those who watch a deployment from outside.

import type { ClusterEvent } from "@skein/cluster";
import type { FlightContext } from "@skein/core";
import { keyPrefixOf } from "./flights.ts";

/** An execution under way in this process. Keys can be personal data, and whoever reaches the port reads this. */
export interface Leading {
  /** The prefix of its key: what kind of work it is. The database names the key of each flight's id. */
  readonly prefix: string;
  readonly flightId: string;
  readonly forMs: number;
}

/** The body of GET /state. */
export interface ReplicaState {
  readonly process: string;
  readonly callersWaiting: number;
  readonly callsStarted: number;
  readonly callsFailed: number;
  readonly executionsStarted: number;
  readonly leading: readonly Leading[];
  readonly takeovers: number;
  readonly fallbacks: number;
  /** Whether this process coordinates with the others now. */
  readonly coordination: "fleet" | "alone";
}

export class Activity {
  readonly #process: string;
  readonly #leading = new Set<{ prefix: string; flightId: string; since: number }>();
  readonly #down: Set<string>;
  #callersWaiting = 0;
  #callsStarted = 0;
  #callsFailed = 0;
  #executionsStarted = 0;
  #takeovers = 0;
  #fallbacks = 0;

  constructor(process: string) {
    this.#process = process;
    // Nothing is known of them yet, which is not that they are there. Without a fleet nobody will ever tell.
    this.#down = new Set(["commands", "inbox"]);
  }

  onEvent(event: ClusterEvent): void {
    switch (event.type) {
      case "takeover":
        this.#takeovers++;
        break;
      case "fallback":
        this.#fallbacks++;
        break;
      case "breaker":
        this.#note("breaker", event.state === "closed");
        break;
      case "link":
        this.#note(event.link, event.state === "up");
        break;
      default:
    }
  }

  async call<T>(answer: () => Promise<T>): Promise<T> {
    this.#callsStarted++;
    this.#callersWaiting++;
    try {
      return await answer();
    } catch (error) {
      this.#callsFailed++;
      throw error;
    } finally {
      this.#callersWaiting--;
    }
  }

  async execution<T>({ key, flightId }: FlightContext, run: () => Promise<T>): Promise<T> {
    this.#executionsStarted++;
    const leading = { prefix: keyPrefixOf(key) ?? "", flightId, since: performance.now() };
    this.#leading.add(leading);
    try {
      return await run();
    } finally {
      this.#leading.delete(leading);
    }
  }

  get coordination(): ReplicaState["coordination"] {
    return this.#down.size === 0 ? "fleet" : "alone";
  }

  state(): ReplicaState {
    const now = performance.now();
    return {
      process: this.#process,
      callersWaiting: this.#callersWaiting,
      callsStarted: this.#callsStarted,
      callsFailed: this.#callsFailed,
      executionsStarted: this.#executionsStarted,
      leading: Array.from(this.#leading, ({ prefix, flightId, since }) => ({
        prefix,
        flightId,
        forMs: Math.round(now - since),
      })),
      takeovers: this.#takeovers,
      fallbacks: this.#fallbacks,
      coordination: this.coordination,
    };
  }

  #note(what: string, isWell: boolean): void {
    if (isWell) this.#down.delete(what);
    else this.#down.add(what);
  }
}
