// The live page: static files and the state of the fleet. Everything comes from this replica, nothing from outside.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import type { FleetView } from "./fleet-view.ts";
import type { ReportStore } from "./report-store.ts";

export interface PageRoutesOptions {
  readonly fleet: FleetView;
  readonly store: ReportStore;
  /** Whether the page may show its buttons. */
  readonly controls: boolean;
}

const uplot = (file: string): string => createRequire(import.meta.url).resolve(`uplot/dist/${file}`);
const own = (file: string): string => fileURLToPath(new URL(`../../page/${file}`, import.meta.url));

const FILES = [
  { path: "/", file: own("index.html"), type: "text/html; charset=utf-8" },
  {
    path: "/page/live.js",
    file: fileURLToPath(new URL("../page/live.js", import.meta.url)),
    type: "text/javascript; charset=utf-8",
  },
  { path: "/page/live.css", file: own("live.css"), type: "text/css; charset=utf-8" },
  { path: "/page/uplot.js", file: uplot("uPlot.iife.min.js"), type: "text/javascript; charset=utf-8" },
  { path: "/page/uplot.css", file: uplot("uPlot.min.css"), type: "text/css; charset=utf-8" },
];

export function addPageRoutes(app: FastifyInstance, { fleet, store, controls }: PageRoutesOptions): void {
  for (const { path, file, type } of FILES) {
    app.get(path, async (_request, reply) =>
      reply
        .header(
          "content-security-policy",
          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:",
        )
        .type(type)
        .send(await readFile(file)),
    );
  }

  app.get("/fleet", async () => {
    // Without Postgres the fleet can be seen all the same.
    const counted = store.executions().catch(() => null);
    const [peers, executions] = await Promise.all([fleet.look(), counted]);
    return { replicas: peers.map(({ state }) => state), executions, controls };
  });
}
