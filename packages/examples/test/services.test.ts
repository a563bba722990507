/** The example services: requests that come together cost one execution, in every framework. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { ClusterSingleflight } from "@skein/cluster";
import { Singleflight } from "@skein/core";
import { RedisServer, waitUntil } from "@skein/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createExpressService } from "../src/services/express.ts";
import { createFastifyService } from "../src/services/fastify.ts";
import { ReportModule } from "../src/services/nest.ts";
import type { LoadReport, Report } from "../src/services/report.ts";
import { runWorker, type Job } from "../src/services/worker.ts";

/** Counts executions; each ends when told to. */
class Loading {
  executions = 0;
  aborted = false;
  readonly #end = Promise.withResolvers<void>();

  readonly load: LoadReport = async (day, signal): Promise<Report> => {
    this.executions++;
    signal.addEventListener("abort", () => (this.aborted = true));
    await this.#end.promise;
    return { day, total: 7 };
  };

  end(): void {
    this.#end.resolve();
  }
}

type Service = (loading: Loading) => Promise<{ url: string; stop: () => Promise<unknown> }>;

const services: Record<string, Service> = {
  async fastify(loading) {
    const app = createFastifyService(new Singleflight(), loading.load);
    const url = await app.listen({ host: "127.0.0.1", port: 0 });
    return { url, stop: () => app.close() };
  },
  async express(loading) {
    const server = createServer(createExpressService(new Singleflight(), loading.load));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, stop: async () => server.close() };
  },
  async nest(loading) {
    const app = await NestFactory.create<NestFastifyApplication>(
      ReportModule.register(new Singleflight(), loading.load),
      new FastifyAdapter(),
      { logger: false },
    );
    await app.listen(0, "127.0.0.1");
    return { url: await app.getUrl(), stop: () => app.close() };
  },
};

for (const [name, start] of Object.entries(services)) {
  describe(`the ${name} service`, () => {
    it("answers all who ask together from one execution", async () => {
      const loading = new Loading();
      const { url, stop } = await start(loading);
      const answers = Array.from({ length: 20 }, async () => {
        const response = await fetch(`${url}/reports/monday`);
        return (await response.json()) as Report;
      });
      await waitUntil(() => loading.executions === 1, { what: "the execution" });
      loading.end();
      for (const answer of await Promise.all(answers)) expect(answer).toEqual({ day: "monday", total: 7 });
      await stop();
    });

    if (name === "nest") return;
    it("aborts the execution when its last client has gone", async () => {
      const loading = new Loading();
      const { url, stop } = await start(loading);
      const client = new AbortController();
      const answer = fetch(`${url}/reports/tuesday`, { signal: client.signal });
      answer.catch(() => undefined);
      await waitUntil(() => loading.executions === 1, { what: "the execution" });
      client.abort();
      await waitUntil(() => loading.aborted, { what: "the abort" });
      loading.end();
      await stop();
    });
  });
}

describe("two workers of one deployment", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  it("share the execution that their jobs need", async () => {
    const loading = new Loading();
    const totals: number[] = [];
    const workers = [1, 2].map(async (id) => {
      const flights = new ClusterSingleflight({
        redis: redis.url,
        namespace: "workers",
        prefixes: ["report:"],
      });
      await flights.ready();
      await runWorker({
        flights,
        loadReport: loading.load,
        jobs: oneJob({ id, day: "friday" }),
        finished: (_job, total) => totals.push(total),
        failed: (_job, error) => expect.unreachable(String(error)),
        signal: new AbortController().signal,
      });
      await flights.close();
    });
    await waitUntil(() => loading.executions === 1, { what: "the execution" });
    const admin = redis.client();
    await waitUntil(
      async () => {
        const [flight] = await admin.keys("*:flight");
        return flight !== undefined && (await admin.hkeys(flight)).some((field) => field.startsWith("f:"));
      },
      { what: "the other worker waiting" },
    );
    loading.end();
    await Promise.all(workers);
    expect(totals).toEqual([7, 7]);
    expect(loading.executions).toBe(1);
  });
});

async function* oneJob(job: Job): AsyncIterable<Job> {
  yield job;
}
