import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { Flier } from "../../src/flier.ts";
import { waitUntil } from "../../src/wait-until.ts";

const PARENT = new URL("../fliers/parent-process.ts", import.meta.url);

let parent: Flier | undefined;
afterEach(async () => {
  await parent?.kill();
});

// Where all processes can be looked at.
const isLinux = process.platform === "linux";
const leftovers: number[] = [];
afterEach(() => {
  for (const pid of leftovers.splice(0).filter(isAlive)) process.kill(pid, "SIGKILL");
});

const ENDINGS: Record<string, (flier: Flier) => void> = {
  SIGKILL: (flier) => flier.signal("SIGKILL"),
  SIGTERM: (flier) => flier.signal("SIGTERM"),
  SIGINT: (flier) => flier.signal("SIGINT"),
  "process.exit": (flier) => flier.send("exit"),
  "an uncaught error": (flier) => flier.send("throwUp"),
};

describe("servers and fliers", () => {
  it.each(Object.keys(ENDINGS))(
    "never outlive a parent that ended by %s, even when they are stopped",
    async (ending) => {
      parent = await Flier.start(PARENT);
      const { pids, directory } = await parent.call<{ pids: number[]; directory: string }>("family");
      await parent.call("pauseAll");
      expect(pids.filter(isAlive)).toStrictEqual(pids);
      leftovers.push(...pids);
      ENDINGS[ending]!(parent);
      await parent.exited;
      await waitUntil(() => !pids.some(isAlive), { what: "the parent's children to end" });
      await waitUntil(() => !existsSync(directory), { what: "the server's directory to be removed" });
    },
  );

  it.runIf(isLinux)("never outlive a parent whose whole family is asked to end, and refuses", async () => {
    parent = await Flier.start(PARENT);
    const { pids, directory } = await parent.call<{ pids: number[]; directory: string }>("family");
    leftovers.push(...pids);
    await parent.call("pauseAll");
    for (const pid of familyOf(pids)) process.kill(pid, "SIGTERM");
    parent.signal("SIGKILL");
    await waitUntil(() => !pids.some(isAlive) && !existsSync(directory));
  });

  it("leave no directory behind when they ended before their parent did", async () => {
    parent = await Flier.start(PARENT);
    const { pids, directory } = await parent.call<{ pids: number[]; directory: string }>("family");
    leftovers.push(...pids);
    await parent.call("killAll");
    expect(existsSync(directory)).toBe(true);
    await parent.kill();
    await waitUntil(() => !existsSync(directory));
  });

  it.runIf(isLinux)("are ended even when the parent dies while it starts them", async () => {
    // At moments all over the start, which takes some tens of milliseconds.
    for (let delayMs = 0; delayMs < 40; delayMs += 4) {
      parent = await Flier.start(new URL("../fliers/starting-flier.ts", import.meta.url));
      const { mark } = await parent.call<{ mark: string }>("begin");
      await sleep(delayMs);
      await parent.kill();
      await waitUntil(() => processesWith(mark).length === 0, { what: `no process of ${mark} to be left` });
    }
  });
});

/** These processes and whatever was started for them: all in their sessions. */
function familyOf(leaders: readonly number[]): number[] {
  return allProcesses().flatMap(({ pid, session }) => (leaders.includes(session) ? [pid] : []));
}

function processesWith(mark: string): number[] {
  return allProcesses().flatMap(({ pid, environment }) => (environment.includes(mark) ? [pid] : []));
}

function allProcesses(): { pid: number; session: number; environment: string }[] {
  const pids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return pids.flatMap((pid) => {
    try {
      // After the name, which may contain anything: state, parent, group, session.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
      const environment =
        readFileSync(`/proc/${pid}/environ`, "utf8") + readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return fields[0] === "Z" ? [] : [{ pid, session: Number(fields[3]), environment }];
    } catch {
      return [];
    }
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
