/**
 * A span for every call and one for every execution, and a link from the call to the execution that it got its outcome
 * from, in this process or in another. Not promised: a link to a process that is not traced, or by an older release;
 * both sides carry the flight's id.
 */
import {
  context,
  isSpanContextValid,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from "@opentelemetry/api";
import type { CallEnding, FlightEvent } from "@skein/core";

/** Executions that are remembered at most; beyond, the oldest lose their links. A flight that ends forgets its own. */
const MAX_EXECUTIONS = 100_000;

type Of<T extends FlightEvent["type"]> = Extract<FlightEvent, { type: T }>;

interface Execution {
  readonly span: Span;
  readonly spanContext: SpanContext;
  /** The callers have been answered: the link is needed no longer. */
  answered: boolean;
  ended: boolean;
}

export class FlightSpans {
  readonly #tracer: Tracer;
  readonly #calls = new Map<number, Span>();
  readonly #executions = new Map<string, Execution>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  callStarted({ callId, keyPrefix }: Of<"call-started">): void {
    // The event comes in the caller's context: its span becomes the parent.
    this.#calls.set(callId, this.#start("singleflight call", keyPrefix));
  }

  callEnded(told: Of<"call-ended">): void {
    const { callId, flightId, role, coalesced, shared, ending, traceparent } = told;
    const span = this.#calls.get(callId);
    if (span === undefined) return;
    this.#calls.delete(callId);
    span.setAttributes({
      "singleflight.flight_id": flightId,
      "singleflight.role": role,
      "singleflight.coalesced": coalesced,
      "singleflight.shared": shared,
      "singleflight.ending": ending,
    });
    const source = this.#executions.get(flightId)?.spanContext ?? spanContextOf(traceparent);
    if (source !== undefined) {
      span.addLink({ context: source, attributes: { "singleflight.flight_id": flightId } });
    }
    if (isFailure(ending)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }

  executionStarted({ flightId, keyPrefix }: Of<"execution-started">): void {
    const span = this.#start("singleflight execution", keyPrefix, { "singleflight.flight_id": flightId });
    const [oldest] = this.#executions.keys();
    if (this.#executions.size >= MAX_EXECUTIONS && oldest !== undefined) this.#executions.delete(oldest);
    this.#executions.set(flightId, { span, spanContext: span.spanContext(), answered: false, ended: false });
  }

  executionEnded({ flightId, outcome, aborted }: Of<"execution-ended">): void {
    const execution = this.#executions.get(flightId);
    if (execution === undefined) return;
    execution.span.setAttribute("singleflight.aborted", aborted);
    if (outcome === "error") execution.span.setStatus({ code: SpanStatusCode.ERROR });
    execution.span.end();
    execution.ended = true;
    if (execution.answered) this.#executions.delete(flightId);
  }

  flightEnded({ flightId }: Of<"flight-ended">): void {
    const execution = this.#executions.get(flightId);
    if (execution === undefined) return;
    execution.answered = true;
    if (execution.ended) this.#executions.delete(flightId);
  }

  /** Something that happened to an execution under way, without its payload. */
  note(flightId: string, what: string): void {
    this.#executions.get(flightId)?.span.addEvent(what);
  }

  /** The execution's span, for other processes; `undefined` without one, or without an SDK that makes spans. */
  traceparentOf(flightId: string): string | undefined {
    const spanContext = this.#executions.get(flightId)?.spanContext;
    if (spanContext === undefined || !isSpanContextValid(spanContext)) return undefined;
    const { traceId, spanId, traceFlags } = spanContext;
    return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`;
  }

  /** The context in which the execution's span is the active one; the present one when there is no such execution. */
  contextOf(flightId: string): Context {
    const execution = this.#executions.get(flightId);
    return execution === undefined ? context.active() : trace.setSpan(context.active(), execution.span);
  }

  #start(name: string, keyPrefix: string, attributes: Attributes = {}): Span {
    return this.#tracer.startSpan(name, {
      attributes: { ...attributes, "singleflight.key_prefix": keyPrefix },
    });
  }
}

/** Of a span in another process. Its form has been checked. */
function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = traceparent?.split("-") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function isFailure(ending: CallEnding): boolean {
  return ending !== "value" && ending !== "left";
}
