import { FakeClock } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import { ServerClock } from "./server-clock.ts";

/** A server whose clock is ahead of ours by `offsetMs`, and how it is asked. */
class Server {
  readonly clock = new FakeClock();
  readonly serverClock = new ServerClock(this.clock);
  offsetMs = 1_700_000_000_000;

  async ask(thereMs: number, backMs: number): Promise<void> {
    const sentAt = this.clock.now();
    await this.clock.advance(thereMs);
    const serverUs = (this.clock.now() + this.offsetMs) * 1_000;
    await this.clock.advance(backMs);
    this.serverClock.learn(serverUs, sentAt);
  }

  /** How wrong the estimate is, in ms. */
  get errorMs(): number {
    const now = this.clock.now();
    return Math.abs((this.serverClock.at(now) ?? NaN) / 1_000 - (now + this.offsetMs));
  }
}

describe("the server's clock", () => {
  test("is unknown before the first reply", () => {
    expect(new ServerClock(new FakeClock()).at(5)).toBeUndefined();
  });

  test("is known to within half a round trip, whichever way was the slow one", async () => {
    for (const [there, back] of [
      [10, 10],
      [20, 0],
      [0, 20],
    ] as const) {
      const server = new Server();
      await server.ask(there, back);
      expect(server.errorMs).toBeLessThanOrEqual(10);
    }
  });

  test("a faster reply is believed, a slower one is not while the faster one is recent", async () => {
    const server = new Server();
    await server.ask(40, 0);
    expect(server.errorMs).toBe(20);
    await server.ask(1, 1);
    expect(server.errorMs).toBe(0);
    await server.ask(40, 0);
    expect(server.errorMs).toBe(0);
    await server.clock.advance(10_000);
    await server.ask(40, 0);
    expect(server.errorMs).toBe(20);
  });

  test.each([30_000, -3_600_000])(
    "a jump of %d ms is learnt from the next reply, however slow",
    async (jumpMs) => {
      const server = new Server();
      await server.ask(1, 1);
      server.offsetMs += jumpMs;
      expect(server.errorMs).toBeGreaterThan(1_000);
      await server.ask(50, 100);
      expect(server.errorMs).toBeLessThanOrEqual(75);
    },
  );

  test("once doubted, the next reply counts, however slow", async () => {
    const server = new Server();
    await server.ask(1, 1);
    server.serverClock.doubt();
    expect(server.serverClock.at(server.clock.now())).toBeUndefined();
    await server.ask(40, 0);
    expect(server.errorMs).toBe(20);
  });

  test.each([NaN, 0, -1, Infinity])("%d is no time", (serverUs) => {
    const clock = new FakeClock();
    const serverClock = new ServerClock(clock);
    serverClock.learn(serverUs, clock.now());
    expect(serverClock.at(clock.now())).toBeUndefined();
  });
});
