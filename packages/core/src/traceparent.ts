/**
 * A span as W3C Trace Context names it, version 00: what lets a span in one process be linked to one in another. It is
 * passed through and checked for its form, never interpreted. Not promised: that such a span exists.
 */
import { disregard } from "./background.ts";
import type { Observer } from "./observer.ts";

/** Neither id may be all zeros: that is how "none" is written. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceparent(text: unknown): text is string {
  return typeof text === "string" && TRACEPARENT.test(text);
}

/** The span of a flight's execution, as the first observer says that knows. */
export function traceparentOf(
  observers: readonly Pick<Observer, "traceparent">[],
  flightId: string,
): string | undefined {
  for (const observer of observers) {
    try {
      const traceparent: unknown = observer.traceparent?.(flightId);
      disregard(traceparent);
      if (isTraceparent(traceparent)) return traceparent;
    } catch {
      continue;
    }
  }
  return undefined;
}
