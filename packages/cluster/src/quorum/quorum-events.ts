/** What the servers of a quorum tell, put together: a connection is up, and the breaker closed, when that is so for a majority. */
import type { BreakerState } from "../breaker.ts";
import type { ClusterEvent } from "../observer.ts";
import { majorityOf } from "./majority.ts";

type LinkName = "commands" | "inbox";

const SEVERITY: readonly BreakerState[] = ["closed", "half-open", "open"];

export class QuorumEvents {
  readonly #emit: (event: ClusterEvent) => void;
  readonly #majority: number;
  readonly #breakers: BreakerState[];
  readonly #links: Readonly<Record<LinkName, boolean[]>>;
  readonly #told: Record<LinkName, boolean | undefined> = { commands: undefined, inbox: undefined };
  #toldBreaker: BreakerState = "closed";

  constructor(servers: number, emit: (event: ClusterEvent) => void) {
    this.#emit = emit;
    this.#majority = majorityOf(servers);
    this.#breakers = Array.from({ length: servers }, () => "closed");
    this.#links = {
      commands: Array.from({ length: servers }, () => false),
      inbox: Array.from({ length: servers }, () => false),
    };
  }

  /** For the server of this index. */
  of(index: number): (event: ClusterEvent) => void {
    return (event) => {
      if (event.type === "link") this.#onLink(index, event.link, event.state === "up");
      else if (event.type === "breaker") this.#onBreaker(index, event.state);
      else this.#emit(event);
    };
  }

  #onLink(index: number, link: LinkName, up: boolean): void {
    this.#links[link][index] = up;
    const all = this.#links[link].filter(Boolean).length >= this.#majority;
    if (all === this.#told[link] || (!all && this.#told[link] === undefined)) return;
    this.#told[link] = all;
    this.#emit({ type: "link", link, state: all ? "up" : "down" });
  }

  /** The state that a majority is in, or better. */
  #onBreaker(index: number, state: BreakerState): void {
    this.#breakers[index] = state;
    const sorted = this.#breakers.toSorted((a, b) => SEVERITY.indexOf(a) - SEVERITY.indexOf(b));
    const now = sorted[this.#majority - 1] ?? "closed";
    if (now === this.#toldBreaker) return;
    this.#toldBreaker = now;
    this.#emit({ type: "breaker", state: now });
  }
}
