/** What the contract suite needs of a fleet under test, whatever it is coordinated by. */
import type {
  Coordinator,
  EntryOperations,
  JoinRequest,
  SettleRequest,
  ResignRequest,
  RenewRequest,
  Transport,
} from "../../src/coordinator.ts";
import { flightKeys, type FlightName } from "../../src/flight-keys.ts";
import { parseWakeUp, type WakeUp } from "../../src/inbox/wake-up.ts";

/** One process of the fleet. */
export interface ContractMember {
  readonly id: string;
  readonly transport: Transport;
  /** Fails when an operation leaves a key without an end. */
  readonly coordinator: Coordinator;
  /** The same, unchecked, for crowds. */
  readonly uncheckedCoordinator: Coordinator;
  /** What arrived in its inbox, in order. */
  readonly wakeUps: readonly WakeUp[];
  /** Nobody listens to its inbox any more. */
  disconnect(): Promise<void>;
}

export interface ContractFleet {
  /** Members can find out who listens to an inbox. */
  readonly seesListeners: boolean;
  /** `transport`: other than that of the fleet. */
  member(id: string, transport?: Transport): Promise<ContractMember>;
  /** So many milliseconds pass for the server and everything it has recorded; nobody waits for them. */
  elapse(ms: number): Promise<void>;
  /** The server's clock goes back. */
  setClockBack(ms: number): Promise<void>;
  /** Whatever was sent so far has arrived. */
  delivered(): Promise<void>;
  /** Makes requests that reach the server only after their caller gave up; resolves when they have. */
  tooLate(request: () => Promise<unknown>): Promise<void>;
  /** What is left of every flight that the server knows; Infinity for one without an end. */
  ttlsMs(): Promise<readonly number[]>;
  close(): Promise<void>;
}

export const keys = flightKeys({ namespace: "contract", maxKeyBytes: 1_024, hashKeys: false });

/** Long, so that the time that the suite itself takes plays no part: nobody waits for them. */
export const LEASE_MS = 100_000;
export const MAX_TAKEOVERS = 2;
export const ABANDON_MS = 300_000;
export const RETAIN_MS = 80_000;
export const REGISTRATION_MS = 60_000;
/** Longer than anything that a test lets a server keep. */
export const FOR_EVER_MS = 24 * 3_600_000;

let keyCount = 0;

/** Names a flight that no other test uses. */
export function newFlight(): FlightName {
  return keys.flight(`key ${++keyCount}`);
}

export function joins(flight: FlightName, nonce: string, more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    flight,
    nonce,
    withinMs: 20_000,
    leaseMs: LEASE_MS,
    maxTakeovers: MAX_TAKEOVERS,
    abandonMs: ABANDON_MS,
    freshMs: 0,
    firstGrant: undefined,
    registrationMs: REGISTRATION_MS,
    takesOver: true,
    ...more,
  };
}

export function renews(flight: FlightName, token: string): readonly RenewRequest[] {
  return [{ flight, token, leaseMs: LEASE_MS, maxTakeovers: MAX_TAKEOVERS }];
}

export function settles(flight: FlightName, token: string, more: Partial<SettleRequest> = {}): SettleRequest {
  return {
    flight,
    claim: { token },
    outcome: bytes("outcome"),
    unshareable: false,
    retainMs: RETAIN_MS,
    inlineMaxBytes: 16_384,
    ...more,
  };
}

export function resigns(flight: FlightName, token: string, more: Partial<ResignRequest> = {}): ResignRequest {
  return { flight, claim: { token }, countsAsTakeover: false, ifUnwanted: false, ...more };
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Collects what arrives in an inbox. */
export class Mailbox {
  readonly wakeUps: WakeUp[] = [];

  take(message: Uint8Array): void {
    const wakeUp = parseWakeUp(message);
    if (wakeUp === undefined) throw new Error("a message that is not a wake-up");
    this.wakeUps.push(wakeUp);
  }
}

/** Runs a check after every operation. */
export function checkedCoordinator(inner: Coordinator, check: () => Promise<void>): Coordinator {
  const checked =
    <A extends readonly unknown[], R>(operation: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const reply = await operation(...args);
      await check();
      return reply;
    };
  return {
    ...(inner.deposes === true ? { deposes: true } : {}),
    join: checked((request) => inner.join(request)),
    renew: checked((requests) => inner.renew(requests)),
    settle: checked((request) => inner.settle(request)),
    resign: checked((request) => inner.resign(request)),
    leave: checked((request) => inner.leave(request)),
    forget: checked((flight) => inner.forget(flight)),
    listeners: (processes) => inner.listeners(processes),
    serverTimeMs: (flight) => inner.serverTimeMs(flight),
    ...(inner.entries === undefined
      ? {}
      : {
          entries: {
            read: checked((flight, withinMs) => entriesOf(inner).read(flight, withinMs)),
            set: checked((request) => entriesOf(inner).set(request)),
            delete: checked((flight) => entriesOf(inner).delete(flight)),
          } satisfies EntryOperations,
        }),
  };
}

export function entriesOf(coordinator: Coordinator): EntryOperations {
  if (coordinator.entries === undefined) throw new Error("this coordinator keeps no cache entries");
  return coordinator.entries;
}
