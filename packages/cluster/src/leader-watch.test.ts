import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { LeaderWatch, type SampleInboxes } from "./leader-watch.ts";

const GRACE_MS = 400;

function watching(sample: SampleInboxes) {
  const clock = new FakeClock();
  const watcher = new LeaderWatch(clock, GRACE_MS, sample);
  const told: string[] = [];
  const watch = (process: string, confirms = true) => {
    const handle = watcher.watch(process, {
      onSuspect: () => {
        told.push(`${process} suspect`);
        if (confirms) handle.confirm();
      },
      onSilent: () => told.push(`${process} silent`),
    });
    return handle;
  };
  return { clock, told, watch };
}

describe("a watched leader", () => {
  it("whose inbox is empty in every sample of the grace is silent, and not sooner", async () => {
    const { clock, told, watch } = watching(async (processes) => processes.map(() => false));
    watch("p");
    await clock.advance(GRACE_MS);
    expect(told).toEqual(["p suspect"]);
    await clock.advance(2 * GRACE_MS);
    expect(told.slice(0, 2)).toEqual(["p suspect", "p silent"]);
  });

  it("that is heard in a single sample in between is not", async () => {
    let samples = 0;
    const { clock, told, watch } = watching(async (processes) => processes.map(() => ++samples % 4 === 0));
    watch("p");
    await clock.advance(20 * GRACE_MS);
    expect(told).not.toContain("p silent");
  });

  it("is not judged before its beat has been read", async () => {
    const { clock, told, watch } = watching(async (processes) => processes.map(() => false));
    watch("p", false);
    await clock.advance(10 * GRACE_MS);
    expect(told).toEqual(["p suspect"]);
  });

  it("is silent after one grace even if its beat is read again and again meanwhile, as polls do", async () => {
    const { clock, told, watch } = watching(async (processes) => processes.map(() => false));
    const handle = watch("p");
    for (let polls = 0; polls < 12; polls++) {
      await clock.advance(GRACE_MS / 4);
      handle.confirm();
    }
    expect(told.slice(0, 2)).toEqual(["p suspect", "p silent"]);
  });

  it("gets another grace whenever its beat moves", async () => {
    const { clock, told, watch } = watching(async (processes) => processes.map(() => false));
    const handle = watch("p");
    for (let beats = 0; beats < 20; beats++) {
      await clock.advance(GRACE_MS / 2);
      handle.confirm(true);
    }
    expect(told).toEqual(["p suspect"]);
  });

  it("is not judged by samples that failed or cannot be taken", async () => {
    let samples = 0;
    const { clock, told, watch } = watching(async (processes) => {
      samples++;
      if (samples % 3 === 0) throw new Error("no answer");
      if (samples % 3 === 1) return undefined;
      return processes.map(() => false);
    });
    watch("p");
    await clock.advance(20 * GRACE_MS);
    expect(told).not.toContain("p silent");
  });

  it("costs one question per sample, however many flights it leads and however many leaders there are", async () => {
    const questions: (readonly string[])[] = [];
    const { clock, watch } = watching(async (processes) => {
      questions.push(processes);
      return processes.map(() => true);
    });
    const handles = ["p", "p", "q"].map((process) => watch(process));
    await clock.advance(GRACE_MS / 4);
    expect(questions).toEqual([["p", "q"]]);
    for (const handle of handles) handle.stop();
    await clock.advance(GRACE_MS);
    expect(questions).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
