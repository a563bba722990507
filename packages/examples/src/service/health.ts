// Two questions of an orchestrator. Alive: this process answers, whatever its servers do; restarting it would not mend
// Redis. Ready: it can serve. Without Redis it can, alone; without Postgres, or while it drains, it cannot.

import type { FastifyInstance } from "fastify";
import type { Activity } from "./activity.ts";
import type { ReportStore } from "./report-store.ts";

export class Health {
  readonly #store: ReportStore;
  readonly #activity: Activity;
  #state: "starting" | "serving" | "draining" = "starting";

  constructor(store: ReportStore, activity: Activity) {
    this.#store = store;
    this.#activity = activity;
  }

  /** The database has what it needs. */
  serve(): void {
    if (this.#state === "starting") this.#state = "serving";
  }

  /** From now on it is not ready, and asks its callers to connect elsewhere. */
  drain(): void {
    this.#state = "draining";
  }

  addTo(app: FastifyInstance): void {
    app.get("/healthz", () => ({ alive: true }));

    app.get("/readyz", async (_request, reply) => {
      if (this.#state !== "serving") return reply.code(503).send({ ready: false, because: this.#state });
      try {
        await this.#store.ping();
      } catch {
        return reply.code(503).send({ ready: false, because: "Postgres does not answer" });
      }
      return { ready: true, coordination: this.#activity.coordination };
    });

    // A kept-alive connection would be closed under the next request.
    app.addHook("onSend", async (_request, reply) => {
      if (this.#state === "draining") void reply.header("connection", "close");
    });
  }
}
