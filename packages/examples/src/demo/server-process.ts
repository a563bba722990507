// Runs as a process: one HTTP server, as one container of a service would be. fastify answers, pg asks, pino logs, and
// prom-client counts.

import type { AddressInfo } from "node:net";
import Fastify, { type FastifyReply } from "fastify";
import { Pool } from "pg";
import { pino } from "pino";
import { Registry } from "prom-client";
import { createCache } from "@skein/cache";
import type { FlightResult, Work } from "@skein/core";
import { PrometheusObserver } from "@skein/metrics";
import { serveParent } from "./child.ts";
import { coalescerFor, KEPT_PREFIX, REPORT_PREFIX } from "./mode.ts";
import { loadReport, type Report } from "./report.ts";
import type { Answer, ServerConfig, ServerReady, ServerStatus } from "./server.ts";

const POSTGRES_CONNECTIONS = 10;
const KEPT_MS = 60_000;

serveParent(async (message) => {
  const config = message as ServerConfig;
  const logger = pino(
    { level: "warn", base: { pid: process.pid }, timestamp: false },
    pino.destination({ dest: 2, sync: true }),
  );
  const app = Fastify({ loggerInstance: logger, forceCloseConnections: true });
  const postgres = new Pool({ connectionString: config.postgresUrl, max: POSTGRES_CONNECTIONS });
  postgres.on("error", (error) => logger.warn({ err: error }, "an idle Postgres connection was lost"));
  const registry = new Registry();
  const observer = new PrometheusObserver({ registry, prefixes: [REPORT_PREFIX, KEPT_PREFIX] });
  const flights = coalescerFor(config, logger, observer);
  const cache = flights && createCache({ flights, ttlMs: KEPT_MS, observer });
  let callersWaiting = 0;
  let worksRunning = 0;

  const loading =
    (day: string): Work<Report> =>
    async (signal) => {
      worksRunning++;
      try {
        return await loadReport(postgres, day, config.windowDays, signal);
      } finally {
        worksRunning--;
      }
    };

  app.get<{ Params: { day: string } }>("/report/:day", { schema: REPORT_SCHEMA }, async (request, reply) => {
    const { day } = request.params;
    const work = loading(day);
    const signal = callerGone(reply);
    callersWaiting++;
    try {
      // The one line that differs between a fleet that stampedes and one that does not.
      const result = flights
        ? await flights.fly(`${REPORT_PREFIX}${day}`, work, { signal })
        : await alone(work, day, signal);
      const { value, role, takeovers, flightId } = result;
      return { value, role, takeovers, flightId, pid: process.pid } satisfies Answer;
    } catch (error) {
      // Nobody is there to be told, and it is no error of ours.
      if (signal.aborted) return await reply.hijack();
      throw error;
    } finally {
      callersWaiting--;
    }
  });

  app.get<{ Params: { day: string } }>("/kept/:day", { schema: REPORT_SCHEMA }, async ({ params: { day } }) =>
    cache?.get(`${KEPT_PREFIX}${day}`, loading(day)),
  );

  app.get("/ready", async () => {
    await Promise.all([postgres.query("select 1"), flights?.ready()]);
    return { ready: true };
  });

  app.get("/metrics", async (_request, reply) => {
    const text = await registry.metrics();
    return reply.type(registry.contentType).send(text);
  });

  app.get("/status", (): ServerStatus => ({ callersWaiting, worksRunning }));

  await app.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    await app.close();
    await flights?.close({ drainMs: 0 });
    await postgres.end();
  };
  return { ready: { port } satisfies ServerReady, close };
});

const REPORT_SCHEMA = {
  params: { type: "object", required: ["day"], properties: { day: { type: "string", format: "date" } } },
} as const;

/** Aborted when the caller hangs up before the answer. */
function callerGone(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) gone.abort(new Error("the caller hung up"));
  });
  return gone.signal;
}

/** No coalescing: every caller runs the work. */
async function alone(work: Work<Report>, day: string, signal: AbortSignal): Promise<FlightResult<Report>> {
  const key = `${REPORT_PREFIX}${day}`;
  const value = await work(signal, { key, flightId: "none", takeovers: 0 });
  return { value, role: "local", shared: false, flightId: "none", takeovers: 0, waitedMs: 0 };
}
