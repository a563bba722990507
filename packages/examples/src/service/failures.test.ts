import { ClosedError, FlightTimeoutError } from "@skein/core";
import Fastify, { type FastifyBaseLogger } from "fastify";
import { pino } from "pino";
import { expect, it } from "vitest";
import { addErrorHandler } from "./failures.ts";

async function failing(error: Error): Promise<{ status: number; body: string; logged: string }> {
  const lines: string[] = [];
  const loggerInstance: FastifyBaseLogger = pino(
    { level: "error" },
    { write: (line: string) => void lines.push(line) },
  );
  const app = Fastify({ loggerInstance });
  addErrorHandler(app);
  app.get("/reports/:day", () => Promise.reject(error));
  const { statusCode, body } = await app.inject("/reports/2026-01-02?who=somebody");
  await app.close();
  return { status: statusCode, body, logged: lines.join("") };
}

it.each([
  ["of the database", new Error("password authentication failed for user skein"), 500],
  ["of a coalescer that closes", new ClosedError(), 503],
  ["of a caller that waited too long", new FlightTimeoutError(30_000), 504],
])(
  "an error %s is logged whole, without the key, and its caller told a status",
  async (_of, error, status) => {
    const answer = await failing(error);
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain(error.message);
    expect(answer.logged).toContain(error.message);
    expect(answer.logged).toContain("/reports/:day");
    expect(answer.logged).not.toContain("somebody");
    expect(answer.logged).not.toContain("2026-01-02");
  },
);

it("what is wrong with a request is told to its caller, and no error of the service", async () => {
  const wrong = Object.assign(new Error("day must be a date"), { statusCode: 400 });
  expect(await failing(wrong)).toMatchObject({ status: 400, logged: "" });
});
