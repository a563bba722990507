/** Skein in a Fastify service: one coalescer for the process, closed with it; a client that leaves detaches its request. */
import { continueFlightChain, type Coalescer } from "@skein/core";
import { fastify, type FastifyInstance } from "fastify";
import type { LoadReport } from "./report.ts";

export function createFastifyService(flights: Coalescer, loadReport: LoadReport): FastifyInstance {
  const app = fastify();
  // A request from inside of a flight of another service: asking for that flight again would wait for ever.
  app.addHook("preHandler", continueFlightChain);
  app.get<{ Params: { day: string } }>("/reports/:day", async (request, reply) => {
    const { day } = request.params;
    const left = new AbortController();
    request.raw.once("close", () => {
      if (!reply.raw.writableEnded) left.abort(new Error("the client has gone"));
    });
    const { value, role } = await flights.fly(`report:${day}`, (signal) => loadReport(day, signal), {
      signal: left.signal,
      timeoutMs: 10_000,
    });
    return reply.header("x-flight-role", role).send(value);
  });
  app.addHook("onClose", () => flights.close({ drainMs: 1_000 }));
  return app;
}
