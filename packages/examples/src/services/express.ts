/** Skein in an Express service. Whoever starts the service closes the coalescer after the server. */
import { continueFlightChain, type Coalescer } from "@skein/core";
import express, { type Express } from "express";
import type { LoadReport } from "./report.ts";

export function createExpressService(flights: Coalescer, loadReport: LoadReport): Express {
  const app = express();
  // A request from inside of a flight of another service: asking for that flight again would wait for ever.
  app.use(continueFlightChain);
  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 handles a rejection itself
  app.get("/reports/:day", async (request, response) => {
    const { day } = request.params;
    const left = new AbortController();
    response.once("close", () => {
      if (!response.writableEnded) left.abort(new Error("the client has gone"));
    });
    const { value, role } = await flights.fly(`report:${day}`, (signal) => loadReport(day, signal), {
      signal: left.signal,
      timeoutMs: 10_000,
    });
    response.setHeader("x-flight-role", role);
    response.json(value);
  });
  return app;
}
