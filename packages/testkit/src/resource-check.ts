/**
 * Finds what a test left running: timers, sockets, servers, child processes and the like that keep the event loop alive,
 * and tells where each was made. Unref'd ones are not counted, nor what the test runner makes for itself.
 */
import { createHook } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** What stays until it is ended, by the names of the async hooks and of `process.getActiveResourcesInfo()`. */
const KINDS: Readonly<Record<string, string>> = {
  Timeout: "Timeout",
  TCPWRAP: "TCPSocketWrap",
  TCPSERVERWRAP: "TCPServerWrap",
  TLSWRAP: "TLSWrap",
  PIPEWRAP: "PipeWrap",
  PIPESERVERWRAP: "PipeServerWrap",
  UDPWRAP: "UDPWrap",
  PROCESSWRAP: "ProcessWrap",
  WORKER: "Worker",
  FSEVENTWRAP: "FSEventWrap",
  SIGNALWRAP: "SignalWrap",
};
const RUNNER = /[/\\]node_modules[/\\](?:vitest|@vitest|vite|birpc)[/\\]/;
/** Sockets close a few turns after they were told to. */
const MAX_SETTLE_MS = 2_000;
const LOOK_EVERY_MS = 5;
const MAX_FRAMES = 3;

interface Made {
  readonly kind: string;
  readonly frames: readonly string[];
  readonly resource: { hasRef?: () => boolean };
}

export interface ResourceWatch {
  /**
   * Rejects when something that was made since the beginning is still active after two seconds of patience, and tells what
   * and where it was made. To be awaited at the end of each test; ends the watch.
   */
  expectNothingLeaked(): Promise<void>;
}

/** Notes what is made from now on. */
export function watchResources(): ResourceWatch {
  const made = new Map<number, Made>();
  let isEnding = false;
  const hook = createHook({
    init(id, type, _trigger, resource) {
      const kind = KINDS[type];
      if (kind === undefined || isEnding) return;
      const frames = foreignFrames();
      if (!RUNNER.test(frames[0] ?? "")) made.set(id, { kind, frames, resource });
    },
    destroy(id) {
      made.delete(id);
    },
  });
  hook.enable();
  return {
    async expectNothingLeaked() {
      isEnding = true;
      const startedAt = performance.now();
      while (leftoversOf(made).length > 0 && performance.now() - startedAt < MAX_SETTLE_MS) {
        await sleep(LOOK_EVERY_MS);
      }
      hook.disable();
      const lines = leftoversOf(made).map(describe);
      if (lines.length > 0) throw new Error(`The test left something running:\n${lines.join("\n")}`);
    },
  };
}

function describe({ kind, frames }: Made): string {
  const shown = frames.filter((frame) => !RUNNER.test(frame)).slice(0, MAX_FRAMES);
  return `${kind} made ${shown.length === 0 ? "by Node" : shown.join(" ")}`;
}

function leftoversOf(made: ReadonlyMap<number, Made>): Made[] {
  const active = new Set(process.getActiveResourcesInfo());
  return [...made.values()].filter(({ kind, resource }) => active.has(kind) && resource.hasRef?.() !== false);
}

/** Of the stack, what is neither ours nor Node's. */
function foreignFrames(): string[] {
  const frames = (new Error("trace").stack ?? "").split("\n").slice(1);
  return frames
    .map((frame) => frame.trim())
    .filter((frame) => !/\(node:|at node:|<anonymous>/.test(frame) && !frame.includes(import.meta.filename));
}
