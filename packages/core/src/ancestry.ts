/**
 * Which flights the current code is running inside of, followed through `await` by AsyncLocalStorage, and from process to
 * process by `flight-chain.ts`. Used to notice work that asks for its own key. It sees what one call chain started,
 * nothing more: a cycle in which A's work waits for B and B's work, started by another caller, waits for A is invisible.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** One flight on the way from the root of the call chain. Holds no outcome, so a long chain retains nothing big. */
export interface Ancestor {
  /** The coalescer that the flight belongs to; the same key in another one is another flight. */
  readonly scope: object;
  readonly key: string;
  /** What the flight is called, in every process that takes part in it; set when its work is called. */
  flightId: string | undefined;
  /** Set once the flight has ended or was forgotten: waiting for its key no longer means waiting for itself. */
  over: boolean;
  parent: Ancestor | undefined;
  /** A flight further out is known by a header only. */
  readonly chained: boolean;
  /**
   * The flight, known by a header only, for which a call from inside of this one was refused. The header may be wrong: a
   * failure that comes of it is for callers that brought the same one.
   */
  refusedFor: string | undefined;
}

/** The scope of flights that only a header names: no coalescer of this process flies them, and no key is known. */
export const ELSEWHERE = {};

const current = new AsyncLocalStorage<Ancestor>();

/** The nearest flight under way that this code runs inside of. */
export function currentAncestor(): Ancestor | undefined {
  const nearest = underWay(current.getStore());
  // Unlink flights that are over: a chain that is passed on for ever must not grow for ever.
  for (let node = nearest; node !== undefined; node = node.parent) node.parent = underWay(node.parent);
  return nearest;
}

/**
 * Calls `callback` as part of a flight. An AsyncResource that enters the store would restore the caller's context at half
 * the cost, but Node ends the process when the stack is full inside of one.
 */
export function runInside<A, B, T>(ancestor: Ancestor, callback: (a: A, b: B) => T, a: A, b: B): T {
  return current.run(ancestor, callback, a, b);
}

/** The first, from `nearest` outwards, that is meant. */
function find(nearest: Ancestor | undefined, isMeant: (flight: Ancestor) => boolean): Ancestor | undefined {
  let node = nearest;
  while (node !== undefined && !isMeant(node)) node = node.parent;
  return node;
}

/** Whether `nearest` or one of its ancestors is a flight of `key`. */
export function isInside(nearest: Ancestor, scope: object, key: string): boolean {
  return find(nearest, (flight) => flight.key === key && flight.scope === scope) !== undefined;
}

/** `nearest`, or the one of its ancestors, that is this very flight, whichever process runs its work. */
export function findFlight(nearest: Ancestor | undefined, flightId: string): Ancestor | undefined {
  return find(nearest, (flight) => flight.flightId === flightId);
}

/**
 * Whether a caller, in `nearest`, would wait for itself if it waited for a flight. If only a header names that flight, all
 * between the two are told that the caller was refused.
 */
export function refusesFlight(nearest: Ancestor | undefined, flightId: string): boolean {
  const refused = findFlight(nearest, flightId);
  if (refused === undefined) return false;
  if (refused.scope === ELSEWHERE) {
    for (let node = nearest; node !== undefined && node !== refused; node = node.parent) {
      node.refusedFor ??= flightId;
    }
  }
  return true;
}

/** A call of the work that is running here was refused for a flight that only a header names. */
export function wasRefused(): boolean {
  return currentAncestor()?.refusedFor !== undefined;
}

/** Where a flight that is opened from inside of `parent` stands. */
export function ancestorOf(scope: object, key: string, parent: Ancestor | undefined): Ancestor {
  const chained = parent !== undefined && (parent.chained || parent.scope === ELSEWHERE);
  return { scope, key, flightId: undefined, over: false, parent, chained, refusedFor: undefined };
}

function underWay(nearest: Ancestor | undefined): Ancestor | undefined {
  return find(nearest, ({ over }) => !over);
}
