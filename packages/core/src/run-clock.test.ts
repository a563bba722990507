import { afterEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "./clock.ts";
import { RunClock } from "./run-clock.ts";

describe("a run clock", () => {
  afterEach(() => void vi.useRealTimers());

  it("reads the system's clock once within a run of synchronous code, and anew in the next", async () => {
    const read = vi.spyOn(systemClock, "now");
    const clock = new RunClock(systemClock);
    const first = clock.now();
    expect(clock.now()).toBe(first);
    expect(read).toHaveBeenCalledTimes(1);
    await Promise.resolve();
    expect(clock.now()).toBeGreaterThanOrEqual(first);
    expect(read).toHaveBeenCalledTimes(2);
    read.mockRestore();
  });

  it("asks a clock that was injected every time: it may be moved within a run", () => {
    let present = 7;
    const clock = new RunClock({ ...systemClock, now: () => present });
    expect(clock.now()).toBe(7);
    present = 12;
    expect(clock.now()).toBe(12);
  });

  it("asks every time while a test has replaced the time of the process", () => {
    const clock = new RunClock(systemClock);
    vi.useFakeTimers();
    const before = clock.now();
    vi.advanceTimersByTime(30_000);
    expect(clock.now() - before).toBe(30_000);
  });
});
