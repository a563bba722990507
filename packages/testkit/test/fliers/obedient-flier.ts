/** A child for the tests of Flier: does what it is told. Run as a child; never imported. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { serveFlier } from "../../src/flier-child.ts";

interface Config {
  name?: string;
  fails?: string;
  exits?: number;
}

await serveFlier<Config | null>(async (config, emit) => {
  if (config?.fails !== undefined) throw Object.assign(new RangeError(config.fails), { code: "ERR_PREPARE" });
  if (config?.exits !== undefined) {
    process.stderr.write("gone before I began\n");
    process.exit(config.exits);
  }
  await sleep(1);
  return {
    name: () => config?.name,
    echo: (...args: unknown[]) => args,
    later: async (ms: number, value: unknown) => {
      await sleep(ms);
      return value;
    },
    never: () => new Promise(() => undefined),
    pid: () => process.pid,
    env: (name: string) => process.env[name],
    execArgv: () => process.execArgv,
    emit: (...events: { type: string }[]) => events.forEach(emit),
    emitOdd: () => emit({ type: "odd", callback: () => 1, name: "kept" }),
    fail: () => {
      throw Object.assign(new TypeError("no such goose"), { code: "ERR_GOOSE", geese: 3, callback: () => 1 });
    },
    unclonable: () => () => 1,
    emitAndDie: (count: number) => {
      for (let index = 0; index < count; index++) emit({ type: "last words", index });
      process.kill(process.pid, "SIGKILL");
    },
    dieWith: (text: string, code: number) => {
      process.stderr.write(`${text}\n`);
      process.exit(code);
    },
    block: () => {
      emit({ type: "blocking" });
      for (;;) {
        // Busy for good.
      }
    },
    /** A process of its own that holds our output open. */
    leaveSomebody: () => spawn("sleep", ["600"], { stdio: "inherit" }).pid,
  };
});
