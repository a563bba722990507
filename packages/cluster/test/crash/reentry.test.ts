/** Two services that ask each other over HTTP, in two processes, with the chain in a header. */
import { describe, expect, it } from "vitest";
import { Deployment, type Told } from "../fliers/deployment.ts";

describe("work for A that asks another service, which asks for A", () => {
  it("ends with a typed error in the other service at once, not when the lease ends", async () => {
    await using fleet = await Deployment.start(2, { prefixes: { "k:": { leaseMs: 600_000 } } });
    const port = await fleet.flier(1).call<number>("listen");
    const answer = await fleet.call(0, "k:a", { asks: { port, key: "k:a" } });
    expect(answer).toMatchObject({ ok: true, role: "leader" });
    const inner = answer.value as Told;
    expect(inner).toMatchObject({
      ok: false,
      error: { name: "ReentrantCallError", code: "ERR_SKEIN_REENTRANT" },
    });
    expect(await fleet.executions()).toBe(1);
  });

  it("also by way of another key, and back in the process that leads", async () => {
    await using fleet = await Deployment.start(2, { prefixes: { "k:": { leaseMs: 600_000 } } });
    const back = await fleet.flier(0).call<number>("listen");
    const there = await fleet.flier(1).call<number>("listen", { port: back, key: "k:a" });
    const answer = await fleet.call(0, "k:a", { asks: { port: there, key: "k:b" } });
    const inner = (answer.value as Told).value as Told;
    expect(inner).toMatchObject({ ok: false, error: { name: "ReentrantCallError" } });
    expect(await fleet.executions()).toBe(2);
  });

  it("is answered when it asks for something else", async () => {
    await using fleet = await Deployment.start(2);
    const port = await fleet.flier(1).call<number>("listen");
    const answer = await fleet.call(0, "k:a", { asks: { port, key: "k:b" } });
    expect(answer.value).toMatchObject({ ok: true, role: "leader", value: "by p1" });
  });
});
