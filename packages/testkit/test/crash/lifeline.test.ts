import { existsSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { Flier } from "../../src/flier.ts";
import { waitUntil } from "../../src/wait-until.ts";

const PARENT = new URL("../fliers/parent-process.ts", import.meta.url);

let parent: Flier | undefined;
afterEach(async () => {
  await parent?.kill();
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
      ENDINGS[ending]!(parent);
      await parent.exited;
      await waitUntil(() => !pids.some(isAlive), { what: "the parent's children to end" });
      await waitUntil(() => !existsSync(directory), { what: "the server's directory to be removed" });
    },
  );
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
