import { describe, expect, it, vi } from "vitest";
import { FakeClock } from "./fake-clock.ts";

describe("FakeClock", () => {
  it("stands still until it is moved", async () => {
    const clock = new FakeClock(1_000);
    const fired = vi.fn();
    clock.setTimer(fired, 0);
    expect(clock.now()).toBe(1_000);
    expect(fired).not.toHaveBeenCalled();
    await clock.advance(0);
    expect(fired).toHaveBeenCalledOnce();
    expect(clock.now()).toBe(1_000);
  });

  it("fires timers in order of time, then of insertion, each at its own time", async () => {
    const clock = new FakeClock(0);
    const log: string[] = [];
    const note = (name: string) => () => log.push(`${name}@${clock.now()}`);
    clock.setTimer(note("c"), 20);
    clock.setTimer(note("a"), 10);
    clock.setTimer(note("b"), 10);
    clock.setTimer(note("later"), 31);
    await clock.advance(30);
    expect(log).toStrictEqual(["a@10", "b@10", "c@20"]);
    expect(clock.now()).toBe(30);
    expect(clock.pendingTimers).toBe(1);
  });

  it("runs promise jobs to their end between two timers of the same moment", async () => {
    const clock = new FakeClock(0);
    const log: string[] = [];
    const chain = async (name: string) => {
      for (let step = 0; step < 10; step++) await Promise.resolve();
      log.push(name);
    };
    clock.setTimer(() => void chain("after the first"), 5);
    clock.setTimer(() => log.push("second"), 5);
    await clock.advance(5);
    expect(log).toStrictEqual(["after the first", "second"]);
  });

  it("fires what a timer sets, when it falls due within the same advance", async () => {
    const clock = new FakeClock(0);
    const times: number[] = [];
    const repeat = () => {
      times.push(clock.now());
      clock.setTimer(repeat, 10);
    };
    clock.setTimer(repeat, 10);
    await clock.advance(35);
    expect(times).toStrictEqual([10, 20, 30]);
  });

  it("does not fire what was cancelled, not even by a timer of the same moment", async () => {
    const clock = new FakeClock(0);
    const fired = vi.fn();
    const first = clock.setTimer(() => second.cancel(), 5);
    const second = clock.setTimer(fired, 5);
    await clock.advance(10);
    expect(fired).not.toHaveBeenCalled();
    first.cancel();
    expect(clock.pendingTimers).toBe(0);
  });

  it("polls once more at the same time, after what is already due", async () => {
    const clock = new FakeClock(0);
    const log: string[] = [];
    clock.setTimer(() => {
      clock.nextPoll(() => log.push(`poll@${clock.now()}`));
      log.push("first");
    }, 5);
    clock.setTimer(() => log.push("second"), 5);
    await clock.advance(5);
    expect(log).toStrictEqual(["first", "second", "poll@5"]);
  });

  it("runs one timer at a time, and says when there is none", async () => {
    const clock = new FakeClock(0);
    clock.setTimer(() => undefined, 7);
    clock.setTimer(() => undefined, 9);
    expect(await clock.runNext()).toBe(true);
    expect(clock.now()).toBe(7);
    expect(await clock.runNext()).toBe(true);
    expect(await clock.runNext()).toBe(false);
    expect(clock.now()).toBe(9);
  });

  it("runs until a condition holds, and no further", async () => {
    const clock = new FakeClock(0);
    let count = 0;
    const tick = () => {
      count++;
      clock.setTimer(tick, 10);
    };
    clock.setTimer(tick, 10);
    await clock.runUntil(() => count === 3, 1_000);
    expect(clock.now()).toBe(30);
  });

  it("says when a condition did not hold in time, or never will", async () => {
    const clock = new FakeClock(0);
    clock.setTimer(() => undefined, 500);
    await expect(clock.runUntil(() => false, 100)).rejects.toThrow("Not within 100 ms");
    expect(clock.now()).toBe(100);
    await expect(clock.runUntil(() => false, 1_000)).rejects.toThrow("Nothing is scheduled");
  });

  it("passes on what a callback throws, and can be used again", async () => {
    const clock = new FakeClock(0);
    clock.setTimer(() => {
      throw new Error("a defect");
    }, 1);
    await expect(clock.advance(5)).rejects.toThrow("a defect");
    await clock.advance(5);
    expect(clock.now()).toBe(6);
  });

  it("says so when timers set each other for ever, and the time stands still", async () => {
    const clock = new FakeClock(7);
    const again = (): void => void clock.setTimer(again, 0);
    again();
    await expect(clock.advance(1)).rejects.toThrow("at 7 ms without end");
  });

  it("refuses to be moved by two hands at once", async () => {
    const clock = new FakeClock(0);
    const moving = clock.advance(5);
    await expect(clock.advance(5)).rejects.toThrow("already being moved");
    await moving;
  });

  it("refuses a delay that is no time", () => {
    expect(() => new FakeClock().setTimer(() => undefined, NaN)).toThrow(RangeError);
  });

  it("goes on when the global timers are replaced", async () => {
    vi.useFakeTimers();
    try {
      const clock = new FakeClock(0);
      const fired = vi.fn();
      clock.setTimer(fired, 5);
      await clock.advance(5);
      expect(fired).toHaveBeenCalledOnce();
    } finally {
      vi.useRealTimers();
    }
  });
});
