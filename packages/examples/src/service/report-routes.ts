// The service's business: reports, kept for a while or loaded for those who ask at this moment.

import { createCache, type Cache, type CacheOptions } from "@skein/cache";
import { continueFlightChain, flightKey, type Coalescer, type FlightResult, type Work } from "@skein/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Activity } from "./activity.ts";
import { KEPT_PREFIX, LIVE_PREFIX } from "./flights.ts";
import type { Report, ReportRequest, ReportStore } from "./report-store.ts";

export interface ReportRoutesOptions {
  readonly flights: Coalescer | undefined;
  readonly store: ReportStore;
  readonly activity: Activity;
  readonly cache: Cache | undefined;
  readonly rows: number;
}

const MAX_ANSWER_MS = 30_000;
// A caller may ask for a heavier report than the usual one.
const MAX_ROWS = 100_000_000;

const SCHEMA = {
  params: { type: "object", required: ["day"], properties: { day: { type: "string", format: "date" } } },
  querystring: {
    type: "object",
    properties: { rows: { type: "integer", minimum: 1, maximum: MAX_ROWS } },
  },
} as const;

interface ReportRoute {
  Params: { day: string };
  Querystring: { rows?: number };
}

export function addReportRoutes(app: FastifyInstance, options: ReportRoutesOptions): void {
  const { flights, store, activity, cache, rows } = options;

  const loading = (asked: ReportRequest, reply: FastifyReply): Work<Report> => {
    const called = performance.now();
    return (signal, flight) => {
      // Only the call that starts the work has this header: what coordination added to it.
      if (!reply.sent) void reply.header("x-work-after-ms", Math.round(performance.now() - called));
      return activity.execution(flight, () => store.load(asked, signal, flight));
    };
  };

  // A request from inside of a flight of another service: asking for that flight again would wait for ever.
  app.addHook("preHandler", continueFlightChain);

  app.get<ReportRoute>("/reports/:day", { schema: SCHEMA }, (request, reply) =>
    activity.call(() =>
      answering(request, reply, async (signal) => {
        const asked = askedFor(request, rows);
        const key = flightKey(KEPT_PREFIX, asked);
        const work = loading(asked, reply);
        const report = cache
          ? await cache.get(key, work, { signal, timeoutMs: MAX_ANSWER_MS })
          : await work(signal, { key, flightId: "none", takeovers: 0 });
        return { report };
      }),
    ),
  );

  app.get<ReportRoute>("/live/:day", { schema: SCHEMA }, (request, reply) =>
    activity.call(() =>
      answering(request, reply, async (signal) => {
        const asked = askedFor(request, rows);
        const key = flightKey(LIVE_PREFIX, asked);
        const work = loading(asked, reply);
        const story = flights
          ? await flights.fly(key, work, { signal, timeoutMs: MAX_ANSWER_MS })
          : await alone(key, work, signal);
        return { report: story.value, story };
      }),
    ),
  );
}

export function openCache(
  flights: Coalescer | undefined,
  ttlMs: number,
  observer: NonNullable<CacheOptions["observer"]>,
): Cache | undefined {
  return flights && createCache({ flights, ttlMs, observer });
}

interface Answered {
  readonly report: Report;
  readonly story?: FlightResult<Report>;
}

/** A caller that hangs up leaves its flight. The log line names the flight that the value is from. */
async function answering(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: (signal: AbortSignal) => Promise<Answered>,
): Promise<unknown> {
  const gone = new AbortController();
  request.raw.once("close", () => {
    if (!reply.raw.writableEnded) gone.abort(new Error("the caller has gone"));
  });
  try {
    const { report, story } = await answer(gone.signal);
    const { flightId } = report.execution;
    request.log.info(
      { flightId, role: story?.role, fallbackReason: story?.fallbackReason, waitedMs: story?.waitedMs },
      "answered",
    );
    if (story) {
      void reply.header("x-flight-role", story.role).header("x-flight-takeovers", story.takeovers);
    }
    return await reply.header("x-flight-id", flightId).send(report);
  } catch (error) {
    // Nobody is there to be told, and it is no error of ours.
    if (gone.signal.aborted) return reply.hijack();
    throw error;
  }
}

function askedFor({ params, query }: FastifyRequest<ReportRoute>, rows: number): ReportRequest {
  return { day: params.day, rows: query.rows ?? rows };
}

/** No coalescing: every caller runs the work. */
async function alone(key: string, work: Work<Report>, signal: AbortSignal): Promise<FlightResult<Report>> {
  const value = await work(signal, { key, flightId: "none", takeovers: 0 });
  return { value, role: "local", shared: false, flightId: "none", takeovers: 0, waitedMs: 0 };
}
