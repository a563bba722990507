/**
 * One connection to Redis, kept up. It never queues or repeats a command: a command is sent now, or fails now, and its
 * reply comes in time or counts as lost. Time is measured on the process's monotonic clock, and time during which the
 * process itself was blocked is not held against Redis. Not promised: that a command that failed did not run, unless
 * the failure says so.
 */
import type { Clock, Timer } from "@skein/core";
import { background } from "@skein/core/internal";
import type { Redis } from "ioredis";
import { CommandFailure, failureOf, serverCodeOf, troubleOf } from "./command-failure.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { openClient, reconnectDelayMs } from "./connection-profile.ts";
import { Heartbeat } from "./heartbeat.ts";
import { Patience } from "./patience.ts";
import { StallWatch } from "./stall-watch.ts";

export { CommandFailure } from "./command-failure.ts";
export type { ConnectionOptions } from "./connection-options.ts";

/** A timer this late means that the process was busy, not that Redis was slow. */
const LATE_TIMER_MS = 20;
/** Between two questions to a server that is still loading. */
const LOADING_RETRY_MS = 100;
/** A replica that we were led to stays one for a while: reconnecting at every refusal would help nobody. */
const READONLY_RECONNECT_MS = 1_000;
/** How long a socket may take to close in good order. */
const CLOSE_GRACE_MS = 100;
/** Server errors after which it makes sense to ask the same connection again. */
const NOT_READY_YET: ReadonlySet<string> = new Set(["LOADING", "MASTERDOWN", "BUSY"]);
/** Server errors that mean that nothing will be answered until the application's configuration is right. */
const NOT_ADMITTED: ReadonlySet<string> = new Set(["NOAUTH", "WRONGPASS"]);

export type LinkState =
  /** Not up yet, and no attempt has failed. */
  | "connecting"
  /** Commands are answered, and `onReady` has done its part on this very connection. */
  | "up"
  /** Lost, or never reached; being tried again. */
  | "down"
  /** For good. */
  | "closed";

export class Link {
  readonly name: "commands" | "inbox";
  readonly redis: Redis;
  readonly clock: Clock;
  readonly #options: ConnectionOptions;
  readonly #onReady: ((redis: Redis) => Promise<void>) | undefined;
  readonly #heartbeat: Heartbeat;
  readonly #listeners = new Set<(state: LinkState) => void>();
  readonly #patience: Patience;
  readonly #stalls: StallWatch;
  #state: LinkState = "connecting";
  #downSince: number | undefined;
  /** Attempts since the link was last up. */
  #attempts = 0;
  /** One per established connection; what belongs to an earlier one is void. */
  #session = 0;
  #revival: Timer | undefined;
  #trouble: string | undefined;
  #readonlySeenAt = -Infinity;

  /** Starts to connect. `onReady` runs on every new connection; the link is up when it has resolved. */
  constructor(
    options: ConnectionOptions,
    name: "commands" | "inbox",
    onReady?: (redis: Redis) => Promise<void>,
  ) {
    const { clock } = options;
    this.name = name;
    this.clock = clock;
    this.#options = options;
    this.#onReady = onReady;
    this.#downSince = clock.now();
    this.#patience = new Patience(clock, options.redisTimeoutMs);
    this.#stalls = new StallWatch(clock);
    this.#heartbeat = new Heartbeat({
      clock,
      everyMs: options.heartbeatEveryMs,
      silenceLimitMs: options.silenceLimitMs,
      ask: () => {
        if (options.blocking !== true) background(this.redis.ping().catch(() => undefined));
      },
      onSilence: () => this.reconnect(),
    });
    this.redis = openClient(options.source, () => this.#nextAttempt());
    this.redis.on("connect", () => this.#established());
    this.redis.on("ready", () => background(this.#prepare(this.#session)));
    this.redis.on("close", () => this.#lost());
    this.redis.on("end", () => this.#revive());
    this.redis.on("error", (error) => this.#setTrouble(troubleOf(error)));
    this.#patience.begin();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** When it left "up", or began to connect for the first time; `undefined` while it is up. */
  get downSince(): number | undefined {
    return this.#downSince;
  }

  /** It has not been up for `redisTimeoutMs`, not counting time for which this process was blocked. */
  get hopeless(): boolean {
    return this.#patience.exhausted;
  }

  /** When anything was last received. */
  get lastHeardAt(): number {
    return this.#heartbeat.lastHeardAt;
  }

  /** Why it is not up, as the code of the last error (ECONNREFUSED, WRONGPASS, LOADING, …), if one was seen. */
  get trouble(): string | undefined {
    return this.#state === "up" ? undefined : this.#trouble;
  }

  /** Returns a function that ends it. */
  onStateChange(listener: (state: LinkState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** True when up; false at the deadline (on the clock's scale), or as soon as the link has been down for too long. */
  whenUp(deadline: number): Promise<boolean> {
    if (this.#state === "up") return Promise.resolve(true);
    return this.#patience.wait(deadline);
  }

  /**
   * Calls `run`, which sends one command or one pipeline, at once. Rejects with a `CommandFailure` and nothing else.
   * A reply that has arrived when the time is up counts, even if this process was too busy to read it before.
   */
  send<T>(run: (redis: Redis) => Promise<T>, timeoutMs: number): Promise<T> {
    if (this.#state !== "up" || !this.redis.stream.writable) {
      return Promise.reject(new CommandFailure("unavailable", { sent: false }));
    }
    return new Promise((resolve, reject) => {
      const dueAt = this.clock.now() + timeoutMs;
      const timer = this.clock.setTimer(() => {
        const loopDelayed = this.clock.now() - dueAt > LATE_TIMER_MS;
        this.clock.nextPoll(() => reject(new CommandFailure("timeout", { sent: true, loopDelayed })));
      }, timeoutMs);
      this.#stalls.begin();
      const over = (): void => {
        timer.cancel();
        this.#stalls.end();
      };
      const fail = (error: unknown): void => {
        over();
        reject(this.failureOf(error));
      };
      try {
        run(this.redis).then((reply) => {
          over();
          resolve(reply);
        }, fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  /** How much of the last `periodMs` this process was too busy to read replies. Known only while commands were open. */
  stalledWithin(periodMs: number): number {
    return this.#stalls.within(periodMs);
  }

  /** An error of the client, without its contents. A server that turned into a replica makes the link reconnect. */
  failureOf(error: unknown): CommandFailure {
    const failure = failureOf(error);
    if (failure.serverCode === "READONLY") this.#noticeReplica();
    return failure;
  }

  /** Drops the connection, rejecting what is unanswered, and connects again. */
  reconnect(): void {
    if (this.#state !== "closed") destroySocket(this.redis);
  }

  /** Unanswered commands are rejected. The process is free to exit afterwards. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.#heartbeat.stop();
    this.#revival?.cancel();
    this.#enter("closed");
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.redis.once("end", resolve);
    this.redis.disconnect();
    // Between two attempts there is no socket, and no event to come.
    if (this.redis.status === "reconnecting" || this.redis.status === "end") return;
    const timer = this.clock.setTimer(() => {
      destroySocket(this.redis);
      resolve();
    }, CLOSE_GRACE_MS);
    await ended;
    timer.cancel();
  }

  #established(): void {
    const session = ++this.#session;
    this.#heartbeat.start();
    this.redis.stream.on("data", () => {
      if (session === this.#session) this.#heartbeat.heard();
    });
  }

  async #prepare(session: number): Promise<void> {
    const { redis } = this;
    const name = this.#options.connectionName ?? "skein";
    try {
      background(redis.client("SETNAME", name).catch(() => undefined));
      await this.#answered(session);
      await this.#onReady?.(redis);
    } catch (error) {
      if (session !== this.#session) return;
      this.#setTrouble(troubleOf(error));
      this.reconnect();
      return;
    }
    if (session === this.#session && redis.status === "ready" && this.#state !== "closed") this.#enter("up");
  }

  /** Resolves once the server executes commands; a refusal is an answer, too. */
  async #answered(session: number): Promise<void> {
    for (;;) {
      try {
        await this.redis.ping();
        return;
      } catch (error) {
        const code = serverCodeOf(error);
        if (code === undefined || NOT_ADMITTED.has(code) || session !== this.#session) throw error;
        if (!NOT_READY_YET.has(code)) return;
        this.#setTrouble(code);
      }
      await new Promise<void>((resolve) => {
        this.clock.setTimer(resolve, LOADING_RETRY_MS, { unref: true });
      });
    }
  }

  #lost(): void {
    this.#session += 1;
    this.#heartbeat.stop();
    if (this.#state === "up" || this.#state === "connecting") this.#enter("down");
  }

  /** The client gives up for good on some errors (all Sentinels unreachable, for one); a link does not. */
  #revive(): void {
    if (this.#state === "closed") return;
    if (this.#state === "connecting") this.#enter("down");
    this.#revival = this.clock.setTimer(
      () => background(this.redis.connect().catch(() => undefined)),
      this.#nextAttempt(),
    );
  }

  /** How long to wait before it. */
  #nextAttempt(): number {
    const { nextAddress, randomness } = this.#options;
    this.#attempts += 1;
    // The client reads its options at each attempt.
    Object.assign(this.redis.options, nextAddress?.(this.#attempts));
    return reconnectDelayMs(this.#attempts, randomness);
  }

  #enter(state: LinkState): void {
    const before = this.#state;
    this.#state = state;
    if (state === "up") {
      this.#attempts = 0;
      this.#downSince = undefined;
      this.#setTrouble(undefined);
    } else if (before === "up") {
      this.#downSince = this.clock.now();
      this.#patience.begin();
    }
    if (state === "up" || state === "closed") this.#patience.end(state === "up");
    for (const listener of this.#listeners) listener(state);
  }

  #setTrouble(code: string | undefined): void {
    if (code === this.#trouble) return;
    this.#trouble = code;
    this.#options.onTrouble?.(code);
  }

  #noticeReplica(): void {
    const now = this.clock.now();
    if (now - this.#readonlySeenAt < READONLY_RECONNECT_MS) return;
    this.#readonlySeenAt = now;
    this.reconnect();
  }
}

/** Whether a `trouble` means that the server does not let this user in. */
export function isNotAdmitted(code: string): boolean {
  return NOT_ADMITTED.has(code);
}

/** Unlike the client's own `disconnect`, this does not wait for the other side to agree. */
function destroySocket(redis: Redis): void {
  // Before the first attempt there is none, whatever the type says.
  const stream: { destroy(): unknown } | undefined = redis.stream;
  stream?.destroy();
}
