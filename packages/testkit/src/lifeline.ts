/**
 * Ties what this process has started to its life: when this process is gone, however it went (SIGKILL too), a command
 * runs. A small shell waits for the end of its standard input, which only this process holds open; it lives in a session
 * of its own, so that Ctrl-C does not reach it first. It keeps neither this process nor its event loop alive.
 */
import { spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Writable } from "node:stream";

// A line on standard input means "released", its end without one that the process is gone.
const WAIT_THEN_RUN = 'read -r released || exec "$@"';
const KILL_AND_REMOVE = 'kill -KILL "$1"; shift; [ $# -eq 0 ] || rm -rf -- "$@"';

export class Lifeline {
  readonly #stdin: Writable;

  private constructor(stdin: Writable) {
    this.#stdin = stdin;
  }

  /** Runs `command` when this process has ended without having called `release`. */
  static tie(command: readonly string[]): Lifeline {
    const shell = spawn("/bin/sh", ["-c", WAIT_THEN_RUN, "lifeline", ...command], {
      cwd: "/",
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    shell.unref();
    // Whoever kills the shell takes the lifeline away; the process itself is none the worse.
    shell.stdin.on("error", () => undefined);
    if (shell.stdin instanceof Socket) shell.stdin.unref();
    return new Lifeline(shell.stdin);
  }

  /** Kills the process `pid` (SIGKILL), and removes directories after it. */
  static tieProcess(pid: number, ...directories: string[]): Lifeline {
    return Lifeline.tie(["/bin/sh", "-c", KILL_AND_REMOVE, "lifeline", String(pid), ...directories]);
  }

  /** Runs the command now. */
  cut(): void {
    this.#stdin.destroy();
  }

  /** For when what was tied has ended by itself. */
  release(): void {
    if (!this.#stdin.writableEnded) this.#stdin.end("released\n");
  }
}
