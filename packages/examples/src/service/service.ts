// The example service, put together: what a production service with Skein in it looks like.

import { hostname } from "node:os";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Logger } from "pino";
import { Registry, collectDefaultMetrics } from "prom-client";
import type { Coalescer } from "@skein/core";
import { PrometheusObserver } from "@skein/metrics";
import { Activity } from "./activity.ts";
import { addControlRoutes } from "./control-routes.ts";
import { addErrorHandler } from "./failures.ts";
import { FleetView } from "./fleet-view.ts";
import { KEPT_PREFIX, LIVE_PREFIX, openFlights } from "./flights.ts";
import { Health } from "./health.ts";
import { addPageRoutes } from "./page-routes.ts";
import { addReportRoutes, openCache } from "./report-routes.ts";
import { ReportStore } from "./report-store.ts";
import type { ServiceConfig } from "./service-config.ts";

const PREPARE_AGAIN_MS = 500;
const MAX_CLOSE_MS = 1_000;

export class Service {
  readonly #config: ServiceConfig;
  readonly #logger: Logger;
  readonly #app: FastifyInstance;
  readonly #health: Health;
  readonly #store: ReportStore;
  readonly #flights: Coalescer | undefined;
  readonly #stop = new AbortController();

  constructor(config: ServiceConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    const process = config.REPLICA_NAME ?? nameOfProcess();
    const activity = new Activity(process);
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const metrics = new PrometheusObserver({ registry, prefixes: [KEPT_PREFIX, LIVE_PREFIX] });
    this.#flights = openFlights(config, logger, [metrics, activity]);
    const cache = openCache(this.#flights, config.REPORT_TTL_MS, metrics);
    this.#store = new ReportStore({
      url: config.POSTGRES_URL,
      process,
      maxWaitMs: config.POSTGRES_WAIT_MS,
      onLostConnection: (error) => logger.warn({ err: error }, "an idle Postgres connection was lost"),
    });
    this.#health = new Health(this.#store, activity);
    // While it closes it goes on answering what comes over open connections.
    const loggerInstance: FastifyBaseLogger = logger;
    this.#app = Fastify({
      loggerInstance,
      // Our own lines name the flight, or what failed.
      logController: new LogController({ disableRequestLogging: true }),
      return503OnClosing: false,
    });
    addErrorHandler(this.#app);
    this.#health.addTo(this.#app);
    this.#app.get("/metrics", async (_request, reply) =>
      reply.type(registry.contentType).send(await registry.metrics()),
    );
    this.#app.get("/state", () => activity.state());
    const routes = { flights: this.#flights, store: this.#store, activity, cache, rows: config.REPORT_ROWS };
    this.#app.register(async (reports) => addReportRoutes(reports, routes));
    const fleet = new FleetView(config.PEERS ?? [`http://127.0.0.1:${config.PORT}`]);
    addPageRoutes(this.#app, { fleet, store: this.#store, controls: config.CONTROLS });
    if (config.CONTROLS) {
      const controls = {
        fleet,
        store: this.#store,
        redisUrl: config.REDIS_SENTINELS || config.REDIS_CLUSTER_NODES ? undefined : config.REDIS_URL,
        process,
        pid: globalThis.process.pid,
      };
      this.#app.register(async (controlled) => addControlRoutes(controlled, controls));
    }
  }

  /** Resolves with the port when it answers and the database has its table; a database that is away is waited for. */
  async start(): Promise<number> {
    const { HOST: host, PORT: port } = this.#config;
    await this.#app.listen({ host, port });
    await Promise.all([this.#prepareStore(), this.#flights?.ready()]);
    this.#health.serve();
    return (this.#app.server.address() as AddressInfo).port;
  }

  /**
   * Not ready from now on, but answering, until load balancers have noticed; then no new connections, and what is under
   * way may finish; then leadership that is left is given up, so that another replica takes over at once.
   */
  async drain(): Promise<void> {
    const { DRAIN_DELAY_MS, DRAIN_MS } = this.#config;
    this.#stop.abort(new Error("the service is being stopped"));
    this.#health.drain();
    await delay(DRAIN_DELAY_MS);
    const deadline = performance.now() + DRAIN_MS;
    const closed = this.#app.close().then(() => "finished" as const);
    // Not awaited by whoever is late, but never unhandled either.
    closed.catch(() => undefined);
    try {
      const ending = await Promise.race([closed, delay(DRAIN_MS, "late" as const, { ref: false })]);
      if (ending === "late") this.#logger.warn("requests are still under way; leaving all the same");
    } finally {
      // Whatever became of the port: others are to take over now, not when the leases end.
      await this.#flights?.close({ drainMs: Math.max(0, Math.round(deadline - performance.now())) });
      // What still waits for a database that has vanished is left as well.
      await Promise.race([this.#store.close(), delay(MAX_CLOSE_MS, undefined, { ref: false })]);
    }
  }

  async #prepareStore(): Promise<void> {
    for (;;) {
      try {
        await this.#store.prepare();
        return;
      } catch (error) {
        this.#logger.warn({ err: error }, "Postgres is not there yet");
      }
      await delay(PREPARE_AGAIN_MS, undefined, { signal: this.#stop.signal });
    }
  }
}

/** A container's host name is its id. Processes of one machine have the same, hence the number. */
function nameOfProcess(): string {
  return `${hostname()}-${process.pid}`;
}
