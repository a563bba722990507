/**
 * A span as W3C Trace Context names it, version 00: what lets a span in one process be linked to one in another. It is
 * passed through and checked for its form, never interpreted. Not promised: that such a span exists.
 */

/** Neither id may be all zeros: that is how "none" is written. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export function isTraceparent(text: unknown): text is string {
  return typeof text === "string" && TRACEPARENT.test(text);
}
