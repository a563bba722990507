/** The leader of a flight as the server knows it: its lease, its beat, how it is woken. */
import type { DeathEvidence, JoinReply, Transport } from "../coordinator.ts";

export class Leadership {
  readonly token: string;
  readonly transport: Transport;
  beat = 0;
  /** Its own callers have left, and it asked whether anybody else waits. */
  unwanted = false;
  #leaseMs: number;
  /** Server time, microseconds. */
  #leaseEndsAtUs: number;

  constructor(token: string, transport: Transport, leaseMs: number, nowUs: number) {
    this.token = token;
    this.transport = transport;
    this.#leaseMs = leaseMs;
    this.#leaseEndsAtUs = nowUs + leaseMs * 1_000;
  }

  hasLapsed(nowUs: number): boolean {
    return nowUs >= this.#leaseEndsAtUs;
  }

  /** It stays lapsed, also when the clock goes back. */
  lapse(): void {
    this.#leaseEndsAtUs = 0;
  }

  renew(leaseMs: number, nowUs: number): void {
    this.#leaseMs = leaseMs;
    this.#leaseEndsAtUs = nowUs + leaseMs * 1_000;
    this.beat++;
  }

  /** What a follower is told of it. */
  toReply(nowUs: number): JoinReply {
    return {
      status: "follow",
      token: this.token,
      beat: String(this.beat),
      remainingMs: Math.floor((this.#leaseEndsAtUs - nowUs) / 1_000),
      leaderTransport: this.transport,
      leaderLeaseMs: this.#leaseMs,
    };
  }

  /** Whether this is the leader, at the beat, that somebody holds for dead. */
  isMeant(depose: {
    readonly token: string;
    readonly beat: string;
    readonly evidence: DeathEvidence;
  }): boolean {
    return depose.token === this.token && depose.beat === String(this.beat);
  }
}
