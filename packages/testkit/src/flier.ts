/**
 * A process of a deployment, for crash tests: a child that can be called, listened to, stopped and killed with real
 * signals. `serveFlier` is the child's half. A flier never outlives its parent, not even one that is stopped or busy.
 */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { type FlierEvent, type FromFlier, type ToFlier, unpackError } from "./flier-messages.ts";
import { OutputTail } from "./output-tail.ts";
import { TiedProcess } from "./tied-process.ts";

const MAX_START_MS = 30_000;
const MAX_STOP_MS = 2_000;
const SHOWN_EVENTS = 5;

export interface FlierExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface FlierOptions {
  /** Added to this process's environment. */
  env?: NodeJS.ProcessEnv;
  /** Options of Node, before the script. Default: none. */
  execArgv?: readonly string[];
  /** Another Node. Default: this one. */
  execPath?: string;
  /** A command that runs the child by exec, e.g. `NetworkHost.prefix`. Default: none. */
  prefix?: readonly string[];
}

export class Flier implements AsyncDisposable {
  /**
   * What the child emitted so far, in its order. A child that is killed takes those with it that its parent had no time
   * to read; what must not be lost belongs into a `HistoryWriter`.
   */
  readonly events: FlierEvent[] = [];
  /** Resolves when the child has ended and everything that it said has been heard. */
  readonly exited: Promise<FlierExit>;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #output: OutputTail;
  readonly #ready = Promise.withResolvers<void>();
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #watchers = new Set<() => void>();
  #lastId = 0;
  #exit: FlierExit | undefined;

  private constructor(tied: TiedProcess) {
    const { child, pid } = tied;
    this.#child = child;
    this.pid = pid;
    this.#output = new OutputTail(child.stdout, child.stderr);
    child.on("message", (message) => this.#onMessage(message as FromFlier));
    // A child that is being killed cannot be told anything; whoever waits learns it from the exit.
    child.on("error", () => undefined);
    this.exited = tied.ended.then(() => {
      const exit = { code: child.exitCode, signal: child.signalCode };
      tied.release();
      this.#onExit(exit);
      return exit;
    });
  }

  /**
   * Starts the module at `script` (.js, or .ts, whose types Node strips) and resolves when its `prepare` has. `config`
   * is anything that can be cloned. Rejects with what `prepare` threw, or with the child's output when it just ended.
   */
  static async start(script: URL, config: unknown = null, options: FlierOptions = {}): Promise<Flier> {
    const { env, execArgv = [], execPath = process.execPath, prefix = [] } = options;
    const command = [...prefix, execPath, ...execArgv, fileURLToPath(script)];
    const flier = new Flier(TiedProcess.spawn(command, { env: { ...process.env, ...env }, ipc: true }));
    const tooLate = setTimeout(() => {
      flier.#ready.reject(
        new Error(`${script.href} was not ready after ${MAX_START_MS} ms. ${flier.output}`),
      );
    }, MAX_START_MS);
    try {
      flier.#tell({ kind: "start", config });
      await flier.#ready.promise;
      return flier;
    } catch (error) {
      await flier.kill();
      throw error;
    } finally {
      clearTimeout(tooLate);
    }
  }

  /** The last part of what the child wrote to its standard output and error. */
  get output(): string {
    return this.#output.describe();
  }

  /** Calls a handler. Rejects with what it throws, or, naming the signal and with its output, when the child ends first. */
  async call<T = unknown>(method: string, ...args: readonly unknown[]): Promise<T> {
    if (this.#exit !== undefined) throw this.#endedError(this.#exit, `before ${method} was called`);
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#pending.set(id, answer);
    try {
      this.#tell({ kind: "call", id, method, args });
      return (await answer.promise) as T;
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Calls a handler and does not wait; a failure of it ends the child. */
  send(method: string, ...args: readonly unknown[]): void {
    this.#tell({ kind: "send", method, args });
  }

  /** The first event, past or future, that the predicate accepts. Rejects after `timeoutMs` and when the child ends. */
  async waitFor(predicate: (event: FlierEvent) => boolean, timeoutMs = 20_000): Promise<FlierEvent> {
    const { promise, resolve, reject } = Promise.withResolvers<FlierEvent>();
    const look = (): void => {
      const found = this.events.find(predicate);
      if (found !== undefined) resolve(found);
      else if (this.#exit !== undefined) reject(this.#endedError(this.#exit, `before ${String(predicate)}`));
    };
    const timer = setTimeout(() => {
      const last = inspect(this.events.slice(-SHOWN_EVENTS), { depth: 4 });
      const seen = `${this.events.length} events, the last of them ${last}`;
      reject(new Error(`Not within ${timeoutMs} ms: ${String(predicate)}. Seen: ${seen}. ${this.output}`));
    }, timeoutMs);
    this.#watchers.add(look);
    try {
      look();
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
    }
  }

  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal that ends the child, and waits for its end. */
  kill(signal: NodeJS.Signals = "SIGKILL"): Promise<FlierExit> {
    this.signal(signal);
    return this.exited;
  }

  /** SIGSTOP: the child runs no instruction until `resume`; its connections stay open. */
  pause(): void {
    this.signal("SIGSTOP");
  }

  /** SIGCONT. */
  resume(): void {
    this.signal("SIGCONT");
  }

  /** Lets the child end by itself (its "exit" listeners run); kills it when it has not within two seconds. */
  async stop(): Promise<FlierExit> {
    if (this.#child.connected) this.#child.disconnect();
    this.resume();
    const timer = setTimeout(() => this.signal("SIGKILL"), MAX_STOP_MS);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #tell(message: ToFlier): void {
    // An ended child is noticed by its exit; without a callback, the failed write would be an error event.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #onMessage(message: FromFlier): void {
    switch (message.kind) {
      case "ready":
        this.#ready.resolve();
        return;
      case "event":
        this.events.push(message.event);
        for (const look of this.#watchers) look();
        return;
      case "value":
        this.#pending.get(message.id)?.resolve(message.value);
        return;
      case "error": {
        const waiting = message.id === null ? this.#ready : this.#pending.get(message.id);
        waiting?.reject(unpackError(message.error));
      }
    }
  }

  #onExit(exit: FlierExit): void {
    this.#exit = exit;
    this.#ready.reject(this.#endedError(exit, "before it was ready"));
    this.#ready.promise.catch(() => undefined);
    for (const { reject } of this.#pending.values()) reject(this.#endedError(exit, "before it answered"));
    for (const look of this.#watchers) look();
  }

  #endedError({ code, signal }: FlierExit, when: string): Error {
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    return new Error(`The flier ${this.pid} ended ${how} ${when}. ${this.output}`);
  }
}
