/**
 * Whether it makes sense to ask one Redis server now: what the connection and the breaker know. A look costs nothing; that
 * of a call, if it finds no connection and no hope, counts as a failure, as the request would have been one.
 */
import type { FallbackReason } from "@skein/core";
import { feedsBreaker, type Breaker } from "../breaker.ts";
import type { Availability, JoinFailure } from "../fleet.ts";
import { CommandFailure, type Link } from "./connection.ts";

export interface RedisAvailabilityOptions {
  readonly commands: Link;
  readonly inbox: Link;
  readonly breaker: Breaker;
  /** Something is missing that nothing works without. */
  readonly denied: () => boolean;
}

export class RedisAvailability implements Availability {
  readonly #options: RedisAvailabilityOptions;

  constructor(options: RedisAvailabilityOptions) {
    this.#options = options;
  }

  obstacle(): FallbackReason | undefined {
    const { breaker, commands } = this.#options;
    const obstacle = this.peek();
    if (obstacle === "unavailable" && commands.hopeless) breaker.failed();
    return obstacle;
  }

  peek(): FallbackReason | undefined {
    const { breaker, commands, inbox, denied } = this.#options;
    if (denied()) return "refused";
    if (breaker.state === "open") return "breaker-open";
    if (breaker.state === "half-open") return "fallback-probe";
    // Away for longer than a call may wait for it: waiting again would cost every call the same.
    return commands.hopeless || inbox.hopeless ? "unavailable" : undefined;
  }

  get up(): boolean {
    return this.#options.commands.state === "up";
  }

  async whenUp(deadline: number): Promise<boolean> {
    const { breaker, commands } = this.#options;
    const up = await commands.whenUp(deadline);
    if (!up && commands.hopeless) breaker.failed();
    return up;
  }

  succeeded(tookMs: number): void {
    const { breaker, commands } = this.#options;
    // Time in which this process was too busy to read the reply says nothing about Redis.
    breaker.succeeded(Math.max(0, tookMs - commands.stalledWithin(tookMs)));
  }

  failed(error: unknown): JoinFailure {
    if (!(error instanceof CommandFailure)) return { reason: "refused", sent: true };
    if (feedsBreaker(error)) this.#options.breaker.failed();
    return { reason: error.kind, sent: error.sent };
  }
}
