/** The server of a simulation: the one in memory, with a referee who sees every request and reply in the server's order. */
import type { Clock } from "@skein/core";
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
import type { FlightName } from "../../src/flight-keys.ts";
import { MemoryFleet, type MemoryNetwork } from "../../src/memory/index.ts";
import { MemoryFlight } from "../../src/memory/memory-flight.ts";
import type { Caller, Surroundings, WakeUpLimits } from "../../src/memory/surroundings.ts";
import type { Mishaps } from "./mishaps.ts";
import type { Recorder } from "./recorder.ts";
import { Referee } from "./referee.ts";

/** Makes the flights of a server; a sabotaged one makes worse ones. */
export type FlightMaker = (name: FlightName, surroundings: Surroundings, clock: Clock) => MemoryFlight;

export interface SimulatedServerOptions {
  readonly clock: Clock;
  readonly network: MemoryNetwork;
  readonly recorder: Recorder;
  readonly mishaps: Mishaps;
  /** The application's key that a flight is of; `undefined` for those of probes. */
  readonly keyOf: (name: FlightName) => string | undefined;
  readonly makeFlight: FlightMaker | undefined;
}

export class SimulatedServer extends MemoryFleet {
  readonly referee: Referee;
  readonly #options: SimulatedServerOptions;
  #nowUs: () => number = () => 0;

  constructor(options: SimulatedServerOptions) {
    super(options);
    const { clock, recorder, mishaps } = options;
    this.#options = options;
    this.referee = new Referee({
      recorder,
      mishaps,
      now: () => clock.now(),
      serverUs: () => this.#nowUs(),
    });
  }

  override loseData(): void {
    super.loseData();
    this.#options.mishaps.happened("server");
    this.referee.onDataLost();
  }

  override jumpClock(ms: number): void {
    this.#options.mishaps.happened("server");
    this.referee.onClockJump(ms);
    super.jumpClock(ms);
  }

  protected override createFlight(name: FlightName, surroundings: Surroundings): MemoryFlight {
    const { keyOf, makeFlight, recorder, clock } = this.#options;
    const key = keyOf(name);
    if (key === undefined) return super.createFlight(name, surroundings);
    this.#nowUs = surroundings.now;
    this.referee.onRecordBegun(key);
    const flight = makeFlight?.(name, surroundings, clock) ?? super.createFlight(name, surroundings);
    return new WatchedFlight(surroundings, { flight, key, referee: this.referee, recorder });
  }
}

interface Watching {
  readonly flight: MemoryFlight;
  readonly key: string;
  readonly referee: Referee;
  readonly recorder: Recorder;
}

class WatchedFlight extends MemoryFlight {
  readonly #watching: Watching;

  constructor(surroundings: Surroundings, watching: Watching) {
    super(surroundings);
    this.#watching = watching;
  }

  // Asked while the parent is made, too.
  override get over(): boolean {
    return this.#watching.flight.over;
  }

  override get ttlMs(): number {
    return this.#watching.flight.ttlMs;
  }

  override get state(): MemoryFlight["state"] {
    return this.#watching.flight.state;
  }

  override expire(): boolean {
    return this.#watching.flight.expire();
  }

  override join(caller: Caller, request: JoinRequest): JoinReply {
    const { flight, key, referee } = this.#watching;
    const reply = flight.join(caller, request);
    this.#note("join", caller.process, "token" in reply ? `${reply.status} ${reply.token}` : reply.status);
    referee.onJoin(key, caller.process, request, reply);
    return reply;
  }

  override renew(request: RenewRequest): RenewReply {
    const { flight, key, referee } = this.#watching;
    const reply = flight.renew(request);
    this.#note("renew", request.token, reply.status);
    referee.onRenew(key, request, reply);
    return reply;
  }

  override settle(caller: Caller, request: SettleRequest, limits: WakeUpLimits): SettleReply {
    const { flight, key, referee } = this.#watching;
    const reply = flight.settle(caller, request, limits);
    this.#note("settle", caller.process, reply.status);
    referee.onSettle(key, caller.process, request, reply);
    return reply;
  }

  override resign(caller: Caller, request: ResignRequest): ResignReply {
    const { flight, key, referee } = this.#watching;
    const reply = flight.resign(caller, request);
    this.#note("resign", caller.process, reply.status);
    referee.onResign(key, caller.process, request, reply);
    return reply;
  }

  override leave(caller: Caller, nonce: string): void {
    const { flight, key, referee } = this.#watching;
    flight.leave(caller, nonce);
    this.#note("leave", caller.process, nonce);
    referee.onLeave(key, caller.process, nonce);
  }

  override forget(): boolean {
    const { flight, key, referee } = this.#watching;
    const dropped = flight.forget();
    this.#note("forget", "", String(dropped));
    referee.onForget(key, dropped);
    return dropped;
  }

  #note(operation: string, who: string, reply: string): void {
    const { recorder, key } = this.#watching;
    recorder.note(`${operation} of ${key} by ${who}: ${reply}`, "server");
  }
}
