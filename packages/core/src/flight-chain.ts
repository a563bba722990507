/**
 * The flights that a call runs inside of, on their way from service to service in an HTTP header: so that work which
 * asks another service, which asks for the work's own key, gets a typed error instead of waiting for itself. The header
 * names flights by their ids and holds no keys. Not promised: that a cycle is seen when one of the services on the way
 * does not pass the header on; then it ends by timeout.
 *
 * The header is believed, and nothing proves it. Whoever knows the id of a flight under way and sends it can have the
 * calls of their own request refused that would wait for that flight, and make work fail that their request was the first
 * to ask for. Callers who coalesced with them get nothing of that failure if the refusal was made in this process: they
 * start anew, and wait for longer. If it was made by another service, which this work then asked in vain, or if the work
 * made a value of it, nobody can tell, and they share the outcome. So drop the header where requests enter from outside.
 */
import { ancestorOf, currentAncestor, ELSEWHERE, runInside, type Ancestor } from "./ancestry.ts";

/** The name of the header. */
export const FLIGHT_CHAIN_HEADER = "skein-flights";

/** Flights further out are not named: a chain that long is no honest one, and headers have limits. */
const MAX_FLIGHTS = 32;
const FLIGHT_ID = /^[0-9a-z]{1,32}(-[0-9a-z]{1,32}){1,2}$/;

/** The header's value for a request that is about to be sent: flights under way, nearest first; `undefined` outside of all. */
export function flightChain(): string | undefined {
  const ids: string[] = [];
  for (let node = currentAncestor(); node !== undefined && ids.length < MAX_FLIGHTS; node = node.parent) {
    if (node.flightId !== undefined) ids.push(node.flightId);
  }
  return ids.length === 0 ? undefined : ids.join(" ");
}

/** Calls `callback` as part of the flights that a received header names. What is not a header of ours changes nothing. */
export function insideFlightChain<T>(header: unknown, callback: () => T): T {
  const ids = typeof header === "string" ? header.split(" ", MAX_FLIGHTS) : [];
  let nearest: Ancestor | undefined = currentAncestor();
  const before = nearest;
  for (const flightId of ids.toReversed()) {
    if (!FLIGHT_ID.test(flightId)) continue;
    nearest = ancestorOf(ELSEWHERE, "", nearest);
    nearest.flightId = flightId;
  }
  if (nearest === undefined || nearest === before) return callback();
  return runInside(nearest, () => callback(), undefined, undefined);
}

/** The parts of an incoming request that the chain needs, in Fastify, Express and Node's own server alike. */
export interface ChainedRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/**
 * Takes the chain of an incoming request up. A Fastify hook, best `preHandler`, since reading a body leads out of what
 * earlier hooks began: `app.addHook("preHandler", continueFlightChain)`; or Express middleware behind those that read
 * bodies: `app.use(continueFlightChain)`.
 */
export function continueFlightChain(request: ChainedRequest, _reply: unknown, next: () => void): void {
  insideFlightChain(request.headers[FLIGHT_CHAIN_HEADER], next);
}
