/**
 * A fleet without Redis: one simulated server, shared by as many simulated processes as a test wants. The same
 * protocol, on an injected clock, with faults on demand. Not promised: anything between operating system processes.
 */
import { InvalidArgumentError, systemClock, type Clock } from "@skein/core";
import type { Transport } from "../coordinator.ts";
import type { FlightName } from "../flight-keys.ts";
import { formatWakeUp } from "../inbox/wake-up.ts";
import { MemoryCoordinator, type MemoryServer } from "./memory-coordinator.ts";
import { MemoryEntries } from "./memory-entries.ts";
import { MemoryFlight } from "./memory-flight.ts";
import { MemoryInbox } from "./memory-inbox.ts";
import { perfectNetwork, type MemoryNetwork } from "./memory-network.ts";
import { MemoryPost } from "./memory-post.ts";
import type { Surroundings } from "./surroundings.ts";

/** So that grants look as they do over Redis; any moment would do. */
const SERVER_EPOCH_US = 1_700_000_000_000_000;
const NOTHING = new Uint8Array();

export interface MemoryFleetOptions {
  /** Default: the process's own. The server's clock runs with it, at an offset. */
  readonly clock?: Clock;
  /** Default: perfect. */
  readonly network?: MemoryNetwork;
  /** How long a process waits for a reply, ms; a join names its own limit. Default 250. */
  readonly replyTimeoutMs?: number;
  /** Followers woken by one settle. Default 1_000. */
  readonly maxWoken?: number;
  /** Outcomes travel with their wake-ups while followers x bytes stay below. Default 2 MiB. */
  readonly fanoutMaxBytes?: number;
}

/** One process as a member of the fleet. */
export interface MemoryMember {
  readonly coordinator: MemoryCoordinator;
  readonly inbox: MemoryInbox;
}

interface Process extends MemoryMember {
  alive: boolean;
}

export class MemoryFleet {
  readonly #options: Required<MemoryFleetOptions>;
  readonly #flights = new Map<string, MemoryFlight>();
  readonly #entries = new MemoryEntries(() => this.#nowUs());
  readonly #processes = new Map<string, Process>();
  readonly #post: MemoryPost;
  #jumpedMs = 0;

  constructor(options: MemoryFleetOptions = {}) {
    this.#options = {
      clock: systemClock,
      network: perfectNetwork,
      replyTimeoutMs: 250,
      maxWoken: 1_000,
      fanoutMaxBytes: 2 * 1024 * 1024,
      ...options,
    };
    this.#post = new MemoryPost(this.#options.clock, this.#options.network, this.#processes);
  }

  /** A process joins the fleet. Its id is one or more of `0-9a-z` and names no other process. "p": pub/sub, "l": a list. */
  connect(processId: string, transport: Transport = "p"): MemoryMember {
    if (!/^[0-9a-z]+$/.test(processId)) {
      throw new InvalidArgumentError("processId", processId, "must consist of 0-9 and a-z");
    }
    if (this.#processes.has(processId)) throw new InvalidArgumentError("processId", processId, "is taken");
    const { clock, network, replyTimeoutMs, maxWoken, fanoutMaxBytes } = this.#options;
    const inbox = new MemoryInbox(clock, transport, () => this.#post.collect(processId));
    const coordinator = new MemoryCoordinator({
      server: this.#server,
      network,
      clock,
      caller: { process: processId, transport },
      limits: { maxWoken, fanoutMaxBytes },
      replyTimeoutMs,
      isAlive: () => process.alive,
    });
    const process: Process = { coordinator, inbox, alive: true };
    this.#processes.set(processId, process);
    return { coordinator, inbox };
  }

  /** As by SIGKILL: what it has sent still arrives; it hears nothing any more, and nobody listens to its inbox. */
  killProcess(processId: string): void {
    const process = this.#processes.get(processId);
    if (process !== undefined) process.alive = false;
  }

  /** The server's clock jumps; everybody's own clock runs on. */
  jumpClock(ms: number): void {
    // What had ended before stays ended, also when the clock goes back.
    for (const [key, flight] of this.#flights) if (flight.expire()) this.#flights.delete(key);
    this.#entries.expire();
    this.#jumpedMs += ms;
  }

  /** The server loses what it knows, as after a restart without persistence or by eviction. */
  loseData(): void {
    this.#flights.clear();
    this.#entries.clear();
  }

  /** Sends bytes to an inbox as they are. */
  post(processId: string, message: Uint8Array): void {
    if (this.#processes.get(processId)?.inbox.transport === "l") {
      this.#post.push({ process: processId, message });
    } else this.#post.publish(processId, message);
  }

  /** What is left of each flight that the server knows, in ms of its own time. */
  get flightTtlsMs(): readonly number[] {
    const flights = [...this.#flights.values()].filter((flight) => !flight.over);
    return flights.map((flight) => flight.ttlMs);
  }

  /** What is left of each cache entry, likewise. */
  get entryTtlsMs(): readonly number[] {
    return this.#entries.ttlsMs;
  }

  readonly #server: MemoryServer = {
    on: (name, operation) => {
      const known = this.#flights.get(name.flightKey);
      const flight = known === undefined || known.over ? this.#newFlight(name) : known;
      const reply = operation(flight);
      if (flight.over) this.#flights.delete(name.flightKey);
      else this.#flights.set(name.flightKey, flight);
      return reply;
    },
    takeErrands: () => this.#post.takeErrands(),
    run: (errand) => this.#post.push(errand),
    entry: (name) => this.#entries.of(name.entryKey),
    now: () => this.#nowUs(),
    isListening: (process) => {
      const known = this.#processes.get(process);
      return known !== undefined && known.alive && known.inbox.transport === "p" && known.inbox.up;
    },
  };

  /** @internal Each flight that the server does not know (any more) begins here; a simulation looks over its shoulder. */
  protected createFlight(_name: FlightName, surroundings: Surroundings): MemoryFlight {
    return new MemoryFlight(surroundings);
  }

  #newFlight(name: FlightName): MemoryFlight {
    return this.createFlight(name, {
      now: () => this.#nowUs(),
      isListening: (process) => this.#server.isListening(process),
      entry: this.#entries.of(name.entryKey),
      tell: (whom, kind, token, outcome = NOTHING) => {
        const message = formatWakeUp({ kind, flightId: name.id, token, outcome });
        // Each process once, however many of its attempts are registered.
        const told = new Map(whom.map((addressee) => [addressee.process, addressee]));
        for (const addressee of told.values()) this.#post.tell(addressee, message);
      },
    });
  }

  #nowUs(): number {
    return SERVER_EPOCH_US + Math.floor((this.#options.clock.now() + this.#jumpedMs) * 1_000);
  }
}
