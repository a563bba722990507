/** Fastify and Express take the chain of flights up, also behind a body that had to be read first. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { chainedFetch, continueFlightChain, flightChain, Singleflight } from "@skein/core";
import express from "express";
import { fastify } from "fastify";
import { describe, expect, it } from "vitest";

type Service = () => Promise<{ url: string; stop: () => unknown }>;

const services: Record<string, Service> = {
  async fastify() {
    const app = fastify();
    app.addHook("preHandler", continueFlightChain);
    app.post("/", (request, reply) => reply.send({ body: request.body, chain: flightChain() ?? "none" }));
    return { url: await app.listen({ host: "127.0.0.1", port: 0 }), stop: () => app.close() };
  },
  async express() {
    const app = express();
    app.use(express.json());
    app.use(continueFlightChain);
    app.post("/", (request, response) => {
      response.json({ body: request.body as unknown, chain: flightChain() ?? "none" });
    });
    const server = createServer(app);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop: () => server.close() };
  },
};

for (const [name, start] of Object.entries(services)) {
  describe(`a service in ${name}`, () => {
    it("runs its handlers inside of the flights that a request comes from, and of none otherwise", async () => {
      const { url, stop } = await start();
      const body = JSON.stringify({ large: "x".repeat(50_000) });
      const post = async (): Promise<{ body: unknown; chain: string }> => {
        const headers = { "content-type": "application/json" };
        const response = await chainedFetch(url, { method: "POST", headers, body });
        return (await response.json()) as { body: unknown; chain: string };
      };
      const inside = await new Singleflight().do("k", async (_signal, { flightId }) => ({
        flightId,
        answer: await post(),
      }));
      expect(inside.answer.chain).toBe(inside.flightId);
      expect(inside.answer.body).toEqual(JSON.parse(body));
      expect((await post()).chain).toBe("none");
      await stop();
    });
  });
}
