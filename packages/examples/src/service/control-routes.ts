// The page's buttons, for a deployment that is there to be broken: only with CONTROLS=true. Whoever reaches the port may
// then kill replicas and pause Redis. A header that no form can send keeps other sites' pages out.

import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { Redis } from "ioredis";
import { flightKey } from "@skein/core";
import { LIVE_PREFIX } from "./flights.ts";
import type { FleetView, Peer } from "./fleet-view.ts";
import { LoadBalancer } from "./load-balancer.ts";
import { dayAfter, runStampede } from "./load.ts";
import type { ReportStore } from "./report-store.ts";

export interface ControlRoutesOptions {
  readonly fleet: FleetView;
  readonly store: Pick<ReportStore, "executions">;
  /** The one server that the fleet coordinates over; undefined where Sentinels or a cluster's nodes are named. */
  readonly redisUrl: string | undefined;
  /** The name of this process. */
  readonly process: string;
  readonly pid: number;
}

const CONTROL_HEADER = "x-control";
const PAUSE_MS = 5_000;
const MAX_DEATH_MS = 2_000;
const MAX_CALLERS = 2_000;
const MAX_BALANCED_MS = 5_000;
const FIRST_DAY = "2030-01-01";
const MAX_DAYS = 100_000;
// Slow enough to be seen, and to kill its leader.
const ROWS = 10_000_000;

const STAMPEDE = {
  querystring: {
    type: "object",
    properties: { callers: { type: "integer", minimum: 1, maximum: MAX_CALLERS, default: 280 } },
  },
} as const;

export function addControlRoutes(app: FastifyInstance, options: ControlRoutesOptions): void {
  const { fleet, store, redisUrl, pid } = options;

  app.addHook("onRequest", async (request, reply) => {
    if (request.headers[CONTROL_HEADER] === undefined) {
      await reply.code(403).send({ message: "not from here" });
    }
  });

  app.post<{ Querystring: { callers: number } }>(
    "/controls/stampede",
    { schema: STAMPEDE },
    async ({ query: { callers } }) => {
      // A key that nobody has asked for.
      const day = dayAfter(FIRST_DAY, Math.floor(Math.random() * MAX_DAYS));
      const key = flightKey(LIVE_PREFIX, { day, rows: ROWS });
      const before = await store.executions(key);
      const peers = await fleet.look();
      await using balancer = new LoadBalancer(servingOthers(peers, options.process), callers);
      const limit = performance.now() + MAX_BALANCED_MS;
      while (balancer.ready.length === 0 && performance.now() < limit) await delay(20);
      const calls = await runStampede(balancer, `/live/${day}?rows=${ROWS}`, callers);
      const answered = calls.filter(({ failure }) => failure === undefined).length;
      const executions = (await store.executions(key)) - before;
      return { callers, answered, executions, told: `${answered} of ${callers} callers were answered` };
    },
  );

  app.post("/controls/kill-leader", async (_request, reply) => {
    const leader = (await fleet.look()).find(({ state }) => state.leading.length > 0);
    if (leader === undefined) return reply.code(409).send({ message: "nobody leads now" });
    try {
      const answer = await fetch(`${leader.origin}/controls/die`, {
        method: "POST",
        headers: { [CONTROL_HEADER]: "peer" },
        signal: AbortSignal.timeout(MAX_DEATH_MS),
      });
      return await reply.code(answer.status).send(await answer.json());
    } catch (error) {
      if (error instanceof Error && error.name === "TimeoutError") {
        return reply.code(504).send({ message: `${leader.state.process} does not answer` });
      }
      // Its answer never comes: the connection ends with it.
      return { told: `${leader.state.process} was killed` };
    }
  });

  app.post("/controls/die", async (_request, reply) => {
    // The kernel keeps process 1 from killing itself.
    if (pid === 1) {
      return reply.code(409).send({ message: `${options.process} is process 1: run it under an init` });
    }
    process.kill(pid, "SIGKILL");
    return reply.hijack();
  });

  app.post("/controls/pause-redis", async (_request, reply) => {
    if (redisUrl === undefined) {
      return reply.code(409).send({ message: "only a single Redis can be paused from here" });
    }
    const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 0 });
    try {
      await redis.connect();
      await redis.client("PAUSE", PAUSE_MS, "ALL");
    } finally {
      redis.disconnect();
    }
    return { told: `Redis answers nobody for ${PAUSE_MS} ms` };
  });
}

/** This replica plays the callers: so the leader is always another one, and killing it does not end its callers. */
function servingOthers(peers: readonly Peer[], self: string): readonly string[] {
  const others = peers.filter(({ state }) => state.process !== self);
  return (others.length > 0 ? others : peers).map(({ origin }) => origin);
}
