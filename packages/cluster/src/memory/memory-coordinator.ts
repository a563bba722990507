/** One process's way to the server of a memory fleet. Requests and replies may be lost, late or repeated on the way. */
import type { Clock } from "@skein/core";
import type {
  Coordinator,
  EntryOperations,
  JoinReply,
  JoinRequest,
  LeaveRequest,
  RenewReply,
  RenewRequest,
  ResignReply,
  ResignRequest,
  SettleReply,
  SettleRequest,
} from "../coordinator.ts";
import type { FlightName } from "../flight-keys.ts";
import type { MemoryEntry } from "./memory-entries.ts";
import type { MemoryFlight } from "./memory-flight.ts";
import { carry, type MemoryNetwork } from "./memory-network.ts";
import type { Errand } from "./memory-post.ts";
import type { Caller, WakeUpLimits } from "./surroundings.ts";

/** No reply came in time. The operation may have been carried out, or may yet be. */
export class NoReplyError extends Error {
  override readonly name = "NoReplyError";
}

/** What a process can ask of the server. */
export interface MemoryServer {
  /** Runs an operation on a flight, atomically. */
  on<T>(flight: FlightName, operation: (flight: MemoryFlight) => T): T;
  /** Wake-ups that the last operation left to whoever asked for it. */
  takeErrands(): readonly Errand[];
  run(errand: Errand): void;
  isListening(process: string): boolean;
  entry(flight: FlightName): MemoryEntry;
  /** Its clock, microseconds. */
  now(): number;
}

export interface MemoryCoordinatorOptions {
  readonly server: MemoryServer;
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  readonly caller: Caller;
  readonly limits: WakeUpLimits;
  readonly replyTimeoutMs: number;
  /** False for a process that was killed: it neither asks nor hears anything any more. */
  readonly isAlive: () => boolean;
}

export class MemoryCoordinator implements Coordinator {
  readonly deposes = true;
  readonly #options: MemoryCoordinatorOptions;

  constructor(options: MemoryCoordinatorOptions) {
    this.#options = options;
  }

  join(request: JoinRequest): Promise<JoinReply> {
    const { server, clock, caller } = this.#options;
    // As if the process always knew the server's clock: a jump of that makes no join late.
    const deadline = clock.now() + request.withinMs;
    return this.#ask<JoinReply>(Math.max(1, request.withinMs), () => {
      if (clock.now() > deadline) return { status: "stale" };
      return server.on(request.flight, (flight) => flight.join(caller, request));
    });
  }

  readonly entries: EntryOperations = {
    read: (name, withinMs) => this.#ask(withinMs, () => this.#options.server.entry(name).bytes),
    set: ({ flight: name, outcome, entry }) =>
      this.#askFlight(name, (flight) => {
        flight.forget();
        this.#options.server.entry(name).write(entry, outcome);
      }),
    delete: (name) =>
      this.#askFlight(name, (flight) => {
        flight.forget();
        return this.#options.server.entry(name).remove();
      }),
  };

  renew(requests: readonly RenewRequest[]): Promise<readonly (RenewReply | Error)[]> {
    return this.#ask(this.#options.replyTimeoutMs, () =>
      requests.map((request) => this.#options.server.on(request.flight, (flight) => flight.renew(request))),
    );
  }

  settle(request: SettleRequest): Promise<SettleReply> {
    const { caller, limits } = this.#options;
    return this.#askFlight(request.flight, (flight) => flight.settle(caller, request, limits));
  }

  resign(request: ResignRequest): Promise<ResignReply> {
    return this.#askFlight(request.flight, (flight) => flight.resign(this.#options.caller, request));
  }

  leave({ flight: name, nonce }: LeaveRequest): Promise<void> {
    return this.#askFlight(name, (flight) => flight.leave(this.#options.caller, nonce));
  }

  forget(name: FlightName): Promise<boolean> {
    return this.#askFlight(name, (flight) => flight.forget());
  }

  listeners(processes: readonly string[]): Promise<readonly boolean[] | undefined> {
    const { server, replyTimeoutMs } = this.#options;
    return this.#ask(replyTimeoutMs, () => processes.map((process) => server.isListening(process)));
  }

  serverTimeMs(): number {
    return this.#options.server.now() / 1_000;
  }

  #askFlight<T>(name: FlightName, operation: (flight: MemoryFlight) => T): Promise<T> {
    return this.#ask(this.#options.replyTimeoutMs, () => this.#options.server.on(name, operation));
  }

  #ask<T>(timeoutMs: number, operation: () => T): Promise<T> {
    const { server, clock, network, caller, isAlive } = this.#options;
    const { process } = caller;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    // Whoever was killed waits for ever.
    if (!isAlive()) return promise;
    const timer = clock.setTimer(() => {
      clock.nextPoll(() => {
        if (isAlive()) reject(new NoReplyError("the server did not answer in time"));
      });
    }, timeoutMs);
    carry(network, clock, { process, kind: "request" }, () => {
      // A request that has left arrives even if its sender dies.
      const reply = operation();
      const errands = server.takeErrands();
      carry(network, clock, { process, kind: "reply" }, () => {
        timer.cancel();
        if (!isAlive()) return;
        resolve(reply);
        for (const errand of errands) {
          carry(network, clock, { process, kind: "request" }, () => server.run(errand));
        }
      });
    });
    return promise;
  }
}
