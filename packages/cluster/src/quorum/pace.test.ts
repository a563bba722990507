import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { Pace } from "./pace.ts";

function paceOf({ stalledMs = 0 } = {}): { pace: Pace; clock: FakeClock } {
  const clock = new FakeClock();
  return { clock, pace: new Pace({ clock, stalledWithin: () => stalledMs }) };
}

describe("a server's pace", () => {
  it("is told by a question that is still open", async () => {
    const { pace, clock } = paceOf();
    pace.ask();
    await clock.advance(30);
    pace.ask();
    expect(pace.expectedMs).toBe(30);
  });

  it("is bad until it answers, once somebody has given it up", async () => {
    const { pace, clock } = paceOf();
    const question = pace.ask();
    await clock.advance(100);
    question.unanswered();
    await clock.advance(1_000);
    expect(pace.expectedMs).toBe(1_100);
    pace.ask().answered();
    expect(pace.expectedMs).toBe(0);
  });

  it("follows its answers, so that one hiccup is soon forgotten", async () => {
    const { pace, clock } = paceOf();
    const slow = pace.ask();
    await clock.advance(200);
    slow.answered();
    expect(pace.expectedMs).toBe(100);
    for (let quick = 0; quick < 3; quick++) pace.ask().answered();
    expect(pace.expectedMs).toBe(12.5);
  });

  it("is not told by time in which this process could not read, nor by what its own stall cost", async () => {
    const { pace, clock } = paceOf({ stalledMs: 80 });
    const question = pace.ask();
    await clock.advance(100);
    expect(pace.expectedMs).toBe(20);
    question.withdrawn();
    expect(pace.expectedMs).toBe(0);
  });

  it("begins anew with the connection", async () => {
    const { pace, clock } = paceOf();
    const [first, second] = [pace.ask(), pace.ask()];
    await clock.advance(500);
    first.unanswered();
    second.lost();
    expect(pace.expectedMs).toBe(0);
  });
});
