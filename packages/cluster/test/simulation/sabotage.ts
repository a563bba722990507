/** Servers that do not do as they should: each breaks one promise of the coordinator, so that a simulation can be seen to notice. */
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
import { leaderOf } from "../../src/memory/attempt.ts";
import { MemoryFlight } from "../../src/memory/memory-flight.ts";
import type { Caller, Surroundings, WakeUpLimits } from "../../src/memory/surroundings.ts";
import type { FlightMaker } from "./simulated-server.ts";

export interface Sabotage {
  readonly what: string;
  readonly makeFlight: FlightMaker;
  /** The invariant whose violation gives it away. */
  readonly breaks: RegExp;
}

type Replaced = "join" | "renew" | "settle" | "resign" | "forget";

/** A flight some of whose operations are done by somebody else, who may ask the proper one. */
function flight(
  surroundings: Surroundings,
  replacing: (proper: MemoryFlight) => Partial<Pick<MemoryFlight, Replaced>>,
): MemoryFlight {
  const proper = new MemoryFlight(surroundings);
  const { join, renew, settle, resign, forget } = replacing(proper);
  return new (class extends MemoryFlight {
    override get over(): boolean {
      return proper.over;
    }
    override get ttlMs(): number {
      return proper.ttlMs;
    }
    override get state(): MemoryFlight["state"] {
      return proper.state;
    }
    override expire(): boolean {
      return proper.expire();
    }
    override join(caller: Caller, request: JoinRequest): JoinReply {
      return join === undefined ? proper.join(caller, request) : join(caller, request);
    }
    override renew(request: RenewRequest): RenewReply {
      return renew === undefined ? proper.renew(request) : renew(request);
    }
    override settle(caller: Caller, request: SettleRequest, limits: WakeUpLimits): SettleReply {
      return settle === undefined ? proper.settle(caller, request, limits) : settle(caller, request, limits);
    }
    override resign(caller: Caller, request: ResignRequest): ResignReply {
      return resign === undefined ? proper.resign(caller, request) : resign(caller, request);
    }
    override leave(caller: Caller, nonce: string): void {
      proper.leave(caller, nonce);
    }
    override forget(): boolean {
      return forget === undefined ? proper.forget() : forget();
    }
  })(surroundings);
}

/** Remembers whom a flight elected last. */
function electing(proper: MemoryFlight): { token: string; join: MemoryFlight["join"] } {
  const elections = {
    token: "",
    join: (caller: Caller, request: JoinRequest): JoinReply => {
      const reply = proper.join(caller, request);
      if (reply.status === "lead") elections.token = reply.token;
      return reply;
    },
  };
  return elections;
}

/** Surroundings in which nothing is told. */
const silent = (surroundings: Surroundings): Surroundings => ({ ...surroundings, tell: () => undefined });

export const SABOTAGES: readonly Sabotage[] = [
  {
    what: "accepts the outcome of whoever brings one (no fence)",
    breaks: /^I[23]: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => {
        const elections = electing(proper);
        return {
          join: elections.join,
          settle: (caller, request, limits) => {
            const reply = proper.settle(caller, request, limits);
            if (reply.status !== "fenced" || proper.state === "vacant") return reply;
            const claim = { token: elections.token };
            return proper.settle(
              { ...caller, process: leaderOf(elections.token) },
              { ...request, claim },
              limits,
            );
          },
        };
      }),
  },
  {
    what: "renews whoever asks",
    breaks: /^I2: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        renew: (request) => {
          const reply = proper.renew(request);
          return reply.status === "held" ? reply : { status: "held", followers: 0 };
        },
      })),
  },
  {
    what: "does not know an attempt again (no nonce)",
    breaks: /^(I1|P2): /,
    makeFlight: (_name, surroundings) => {
      let attempts = 0;
      return flight(surroundings, (proper) => ({
        join: (caller, request) =>
          proper.join(caller, { ...request, nonce: `${request.nonce}${++attempts}` }),
      }));
    },
  },
  {
    what: "elects a second leader beside the first",
    breaks: /^I1: /,
    makeFlight: (_name, surroundings) => {
      let spare: MemoryFlight | undefined;
      return flight(surroundings, (proper) => ({
        join: (caller, request) => {
          const reply = proper.join(caller, request);
          if (reply.status !== "follow" || spare !== undefined) return reply;
          spare = new MemoryFlight(silent(surroundings));
          return spare.join(caller, request);
        },
      }));
    },
  },
  {
    what: "tells its followers of another key (wrong flight)",
    breaks: /^I7: /,
    makeFlight: ({ id }, surroundings, clock) => {
      const known = neighbours.get(clock) ?? new Map<string, Surroundings>();
      neighbours.set(clock, known.set(id, surroundings));
      const tell: Surroundings["tell"] = (...news) => {
        const other = [...known].find(([name]) => name !== id)?.[1] ?? surroundings;
        other.tell(...news);
      };
      return flight({ ...surroundings, tell }, () => ({}));
    },
  },
  {
    what: "never tells its followers",
    breaks: /^P2: /,
    makeFlight: (_name, surroundings) => flight(silent(surroundings), () => ({})),
  },
  {
    what: "publishes and does not retain",
    breaks: /^(I5|I2): /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        settle: (caller, request, limits) => {
          const reply = proper.settle(caller, request, limits);
          if (reply.status === "accepted") proper.forget();
          return reply;
        },
      })),
  },
  {
    what: "publishes before it retains",
    breaks: /^I5: /,
    makeFlight: (_name, surroundings, clock) => flight(surroundings, (proper) => retainsLate(proper, clock)),
  },
  {
    what: "lets any number of leaders be lost (unbounded takeovers)",
    breaks: /^I11: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        join: (caller, request) => proper.join(caller, { ...request, maxTakeovers: 1_000 }),
      })),
  },
  {
    what: "lets a leader be deposed whose beat goes on",
    breaks: /^I6: /,
    makeFlight: (_name, surroundings) =>
      flight({ ...surroundings, isListening: () => false }, (proper) => {
        const elections = electing(proper);
        return {
          join: (caller, request) => {
            // A follower that looks again, as every follower does, has the leader declared dead.
            const { token } = elections;
            const deposes = request.firstGrant !== undefined && proper.state === "led";
            const beat = String(beats.get(token) ?? 0);
            return elections.join(
              caller,
              deposes ? { ...request, depose: { token, beat, evidence: "beat" } } : request,
            );
          },
          renew: (request) => {
            beats.set(request.token, (beats.get(request.token) ?? 0) + 1);
            return proper.renew(request);
          },
        };
      }),
  },
  {
    what: "gives newcomers what was settled before they came",
    breaks: /^I4: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        join: (caller, request) => proper.join(caller, { ...request, freshMs: 3_600_000 }),
      })),
  },
  {
    what: "gives followers what was settled before the flight that they followed",
    breaks: /^I4: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        join: (caller, request) =>
          proper.join(caller, request.firstGrant === undefined ? { ...request, firstGrant: 1 } : request),
      })),
  },
  {
    what: "damages what it keeps",
    breaks: /^I7: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        settle: (caller, request, limits) => {
          const outcome = Uint8Array.from(request.outcome);
          outcome[outcome.length - 1] = (outcome.at(-1) ?? 0) ^ 1;
          return proper.settle(caller, { ...request, outcome }, limits);
        },
      })),
  },
  {
    what: "forgets a lease as soon as it has granted it",
    breaks: /^(I1|I2|I6|P4): /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        join: (caller, request) => {
          const reply = proper.join(caller, request);
          if (reply.status === "lead") proper.forget();
          return reply;
        },
      })),
  },
  {
    what: "lets a leader go although others wait",
    breaks: /^P1: /,
    makeFlight: (_name, surroundings) =>
      flight(surroundings, (proper) => ({
        resign: (caller, request) => proper.resign(caller, { ...request, ifUnwanted: false }),
      })),
  },
  {
    what: "says that it has forgotten, and has not",
    breaks: /^(I\d+|P\d): /,
    makeFlight: (_name, surroundings) => flight(surroundings, () => ({ forget: () => true })),
  },
];

/** By token. */
const beats = new Map<string, number>();
/** Flights of the same server, which has the same clock. */
const neighbours = new WeakMap<Clock, Map<string, Surroundings>>();

function retainsLate(proper: MemoryFlight, clock: Clock): Partial<Pick<MemoryFlight, Replaced>> {
  let settling: (() => void) | undefined;
  return {
    join: (caller, request) => {
      const reply = proper.join(caller, request);
      if (reply.status === "lead") settling = undefined;
      return reply;
    },
    settle: (caller, request, limits) => {
      settling = () => void proper.settle(caller, request, limits);
      clock.setTimer(() => settling?.(), 20);
      return { status: "accepted", woken: 0, unwoken: 0 };
    },
  };
}
