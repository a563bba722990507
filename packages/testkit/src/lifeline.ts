/**
 * Ties what this process has started to its life: when this process is gone, however it went (SIGKILL too), a command
 * runs. A small shell waits for the end of a pipe that only this process holds open. Signals to the process group or to
 * all descendants do not stop it, and it keeps neither this process nor its event loop alive.
 */
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Writable } from "node:stream";

// A line means that there is nothing to do any more; the end without one, that this process is gone.
const WAIT_THEN_RUN = `trap '' HUP INT TERM; read -r released || exec "$@"`;
const KILL_AND_REMOVE = 'kill -KILL "$1"; shift; [ $# -eq 0 ] || rm -rf -- "$@"';

export class Lifeline {
  readonly #pipe: Writable;

  private constructor(pipe: Writable) {
    this.#pipe = pipe;
    keepNothingAlive(pipe);
  }

  /** Runs `command` when this process has ended without having called `release`. */
  static tie(command: readonly string[]): Lifeline {
    const shell = spawn("/bin/sh", ["-c", WAIT_THEN_RUN, "lifeline", ...command], {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    shell.unref();
    return new Lifeline(shell.stdin);
  }

  /** Kills the process `pid` (SIGKILL), and removes directories after it. */
  static tieProcess(pid: number, ...directories: string[]): Lifeline {
    return Lifeline.tie(["/bin/sh", "-c", KILL_AND_REMOVE, "lifeline", String(pid), ...directories]);
  }

  /** Runs the command now. */
  cut(): void {
    this.#pipe.destroy();
  }

  /** For when what was tied has ended by itself. */
  release(): void {
    if (!this.#pipe.writableEnded) this.#pipe.end("released\n");
  }
}

/** The pipe of a lifeline does not count as something to wait for, nor is it an error when the shell is gone. */
export function keepNothingAlive(pipe: Writable): void {
  // Whoever kills the shell takes the lifeline away; this process is none the worse.
  pipe.on("error", () => undefined);
  if (pipe instanceof Socket) pipe.unref();
}
