import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, describe, expect, it } from "vitest";
import { addControlRoutes, type ControlRoutesOptions } from "./control-routes.ts";
import { FleetView } from "./fleet-view.ts";

const PAGE = { "x-control": "page" };

const open: FastifyInstance[] = [];

afterEach(() => Promise.all(open.splice(0).map((app) => app.close())));

/** A replica of which nothing here can be killed or paused. */
function controlled(options: Partial<ControlRoutesOptions> = {}): FastifyInstance {
  const app = Fastify();
  open.push(app);
  addControlRoutes(app, {
    fleet: new FleetView([]),
    store: { executions: async () => 0 },
    redisUrl: undefined,
    process: "a",
    pid: 1,
    ...options,
  });
  return app;
}

async function press(
  app: FastifyInstance,
  button: string,
  headers: Record<string, string> = PAGE,
): Promise<object> {
  const { statusCode, body } = await app.inject({ method: "POST", url: `/controls/${button}`, headers });
  return { statusCode, ...(JSON.parse(body) as object) };
}

/** A peer that leads, and answers to its end in this way. */
async function fleetOf(die: (peer: FastifyInstance) => void): Promise<FleetView> {
  const peer = Fastify({ forceCloseConnections: true });
  open.push(peer);
  peer.get("/state", () => ({ process: "leader", leading: [{}] }));
  die(peer);
  await peer.listen({ host: "127.0.0.1", port: 0 });
  return new FleetView([`http://127.0.0.1:${(peer.server.address() as AddressInfo).port}`]);
}

describe("the page's buttons", () => {
  it("are not for forms of other sites", async () => {
    expect(await press(controlled(), "pause-redis", {})).toMatchObject({ statusCode: 403 });
  });

  it("do not pause a Redis that is not the one that the fleet coordinates over", async () => {
    expect(await press(controlled(), "pause-redis")).toEqual({
      statusCode: 409,
      message: "only a single Redis can be paused from here",
    });
  });

  it("say so where a leader cannot be killed, as process 1", async () => {
    const fleet = await fleetOf((peer) => {
      peer.post("/controls/die", async (_request, reply) => {
        const answer = await controlled({ process: "leader" }).inject({
          method: "POST",
          url: "/controls/die",
          headers: PAGE,
        });
        return reply.code(answer.statusCode).send(answer.json());
      });
    });
    expect(await press(controlled({ fleet }), "kill-leader")).toEqual({
      statusCode: 409,
      message: "leader is process 1: run it under an init",
    });
  });

  it("say that a leader was killed when its connection ends", async () => {
    const fleet = await fleetOf((peer) => {
      peer.post("/controls/die", ({ socket }, reply) => {
        reply.hijack();
        socket.destroy();
      });
    });
    expect(await press(controlled({ fleet }), "kill-leader")).toEqual({
      statusCode: 200,
      told: "leader was killed",
    });
  });

  it("do not wait for ever for a leader that does not answer", async () => {
    const fleet = await fleetOf((peer) => {
      peer.post("/controls/die", (_request, reply) => {
        reply.hijack();
      });
    });
    expect(await press(controlled({ fleet }), "kill-leader")).toEqual({
      statusCode: 504,
      message: "leader does not answer",
    });
  });
});
