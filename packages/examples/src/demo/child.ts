// A process of the demo's own, and its life line: the IPC channel. The parent ends a child by closing the channel; when
// the parent is gone, even by SIGKILL, the channel closes too. So nothing outlives the demo. A child is in a process
// group of its own: Ctrl-C reaches the parent alone, which then ends things in order.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { messageOf } from "./message-of.ts";

const MAX_STOP_MS = 15_000;

type FirstReply<Ready> = { readonly ready: Ready } | { readonly failure: string };

/** The parent's end. */
export class Child<Ready> implements AsyncDisposable {
  readonly pid: number;
  /** What the child said when it was ready. */
  readonly ready: Ready;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, pid: number, ready: Ready) {
    this.#process = process;
    this.pid = pid;
    this.ready = ready;
  }

  /** Starts the module at `url`, hands it `config`, and waits until it is ready. */
  static async start<Ready>(url: string, config: object): Promise<Child<Ready>> {
    // The child's stdout is our stderr: stdout is for the result alone.
    const process = fork(fileURLToPath(url), [], {
      detached: true,
      stdio: ["ignore", 2, 2, "ipc"],
    });
    const exited = once(process, "exit").then(([code, signal]) => {
      throw new Error(`${url} ended before it was ready (code ${String(code)}, signal ${String(signal)}).`);
    });
    const replied = once(process, "message").then(([reply]) => reply as FirstReply<Ready>);
    exited.catch(() => undefined);
    process.send(config, () => undefined);
    const reply = await Promise.race([replied, exited]);
    if ("ready" in reply && process.pid !== undefined) return new Child(process, process.pid, reply.ready);
    process.disconnect();
    throw new Error("failure" in reply ? reply.failure : `${url} has no process id.`);
  }

  /** SIGKILL: no clean-up, no farewell. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    if (this.#process.connected) this.#process.disconnect();
    const impatience = setTimeout(() => this.#process.kill("SIGKILL"), MAX_STOP_MS);
    await exited;
    clearTimeout(impatience);
  }
}

/** What a child that has started hands back. */
export interface Running {
  /** Sent to the parent. */
  readonly ready: unknown;
  /** Called when the channel closes, before the process ends. */
  readonly close: () => Promise<void>;
}

/** The child's end: `start` gets the parent's config. */
export function serveParent(start: (config: unknown) => Promise<Running>): void {
  process.once("message", (config) => {
    const starting = start(config);
    // The parent may be gone before we have started; what was started still has to end.
    process.once("disconnect", () => {
      end(starting).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    });
    starting.then(
      ({ ready }) => tellParent({ ready }),
      (error: unknown) => tellParent({ failure: messageOf(error) }),
    );
  });
}

function tellParent(reply: FirstReply<unknown>): void {
  // Without a callback, a channel that has just closed would be an error that nobody handles.
  if (process.connected) process.send?.(reply, () => undefined);
}

async function end(starting: Promise<Running>): Promise<void> {
  setTimeout(() => process.exit(1), MAX_STOP_MS).unref();
  const { close } = await starting;
  await close();
}
