/**
 * A program that ends when this process does, from its very first moment: there is no time in which it runs and nothing
 * would end it. See lifeline.ts for how.
 */
import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import type { EventEmitter } from "node:events";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { keepNothingAlive } from "./lifeline.ts";

/** After its end its pipes may be held open by what it has started itself. */
const MAX_DRAIN_MS = 500;

// The shell that waits is there before the program is, and knows its process id: that of the shell that becomes it.
// First line: the program has ended; second line: its directory has been removed. It holds none of the program's pipes.
const WAIT_BESIDE_THEN_BECOME = `
directory=$1
shift
(
  trap '' HUP INT TERM
  if read -r ended; then
    read -r removed && exit
  else
    kill -KILL $$
  fi
  [ -z "$directory" ] || rm -rf -- "$directory"
) <&4 >/dev/null 2>&1 3>&- 4<&- &
exec "$@" 4<&-
`;

export interface TiedOptions {
  /** The whole environment of the program. */
  env: NodeJS.ProcessEnv;
  cwd?: string;
  /** A channel for messages, of structured clones. Default: none. */
  ipc?: boolean;
  /** Removed when this process is gone, unless `release` came first. */
  directory?: string;
}

/** A program in a session of its own (Ctrl-C does not reach it) that ends when this process does; its output is piped. */
export class TiedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when it has ended and everything that it wrote and said has been read. */
  readonly ended: Promise<void>;
  readonly #pipe: Writable;

  private constructor(child: ChildProcess, pid: number, pipe: Writable) {
    this.child = child;
    this.pid = pid;
    this.#pipe = pipe;
    keepNothingAlive(pipe);
    child.once("exit", () => pipe.write("ended\n"));
    this.ended = endOf(child);
  }

  /** Starts it. A program that cannot be found ends with code 127, and says so on its standard error. */
  static spawn(
    command: readonly string[],
    { env, cwd, ipc = false, directory = "" }: TiedOptions,
  ): TiedProcess {
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", ipc ? "ipc" : "ignore", "pipe"];
    const child = spawn("/bin/sh", ["-c", WAIT_BESIDE_THEN_BECOME, "lifeline", directory, ...command], {
      env,
      stdio,
      serialization: "advanced",
      detached: true,
      ...(cwd === undefined ? {} : { cwd }),
    });
    const pipe = child.stdio[4];
    if (child.pid !== undefined && pipe instanceof Socket) return new TiedProcess(child, child.pid, pipe);
    throw new Error("The shell /bin/sh cannot be started.");
  }

  /** For when the program has ended and its directory has been removed. */
  release(): void {
    if (!this.#pipe.writableEnded) this.#pipe.end("removed\n");
  }
}

/** Not the event "close": that would wait for the pipe of the lifeline, too. */
async function endOf(child: ChildProcess): Promise<void> {
  const drained = Promise.all([
    happens(child.stdout, "close"),
    happens(child.stderr, "close"),
    happens(child.connected ? child : null, "disconnect"),
  ]);
  await happens(child, "exit");
  const over = new AbortController();
  const patience = sleep(MAX_DRAIN_MS, undefined, { signal: over.signal }).catch(() => undefined);
  await Promise.race([drained, patience]);
  over.abort();
}

/** Unlike `once` of node:events, whatever errors come before. */
function happens(emitter: EventEmitter | null, event: string): Promise<void> {
  return new Promise((resolve) => {
    if (emitter === null) resolve();
    else emitter.once(event, () => resolve());
  });
}
