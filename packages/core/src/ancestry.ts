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
  const nearest = skipOver(current.getStore());
  // Unlink flights that are over: a chain that is passed on for ever must not grow for ever.
  for (let node = nearest; node !== undefined; node = node.parent) node.parent = skipOver(node.parent);
  return nearest;
}

/**
 * Calls `callback` as part of a flight. An AsyncResource that enters the store would restore the caller's context at half
 * the cost, but Node ends the process when the stack is full inside of one.
 */
export function runInside<A, B, T>(ancestor: Ancestor, callback: (a: A, b: B) => T, a: A, b: B): T {
  return current.run(ancestor, callback, a, b);
}

/** Whether `nearest` or one of its ancestors is a flight of `key`. */
export function isInside(nearest: Ancestor, scope: object, key: string): boolean {
  for (let node: Ancestor | undefined = nearest; node !== undefined; node = node.parent) {
    if (node.key === key && node.scope === scope) return true;
  }
  return false;
}

/** Whether `nearest` or one of its ancestors is this very flight, whichever process runs its work. */
export function isInsideFlight(nearest: Ancestor, flightId: string): boolean {
  for (let node: Ancestor | undefined = nearest; node !== undefined; node = node.parent) {
    if (node.flightId === flightId) return true;
  }
  return false;
}

/** Tells the flights between a caller and the flight that it was refused for, if only a header names that one. */
export function noteRefusal(nearest: Ancestor, flightId: string): void {
  const between: Ancestor[] = [];
  for (let node: Ancestor | undefined = nearest; node !== undefined; node = node.parent) {
    if (node.flightId !== flightId) between.push(node);
    else if (node.scope === ELSEWHERE) break;
    else return;
  }
  for (const flight of between) flight.refusedFor ??= flightId;
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

function skipOver(from: Ancestor | undefined): Ancestor | undefined {
  let node = from;
  while (node?.over === true) node = node.parent;
  return node;
}
