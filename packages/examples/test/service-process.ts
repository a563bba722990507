/** The example service as plain processes, configured by their environment as its containers are. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort, waitUntil } from "@skein/testkit";

const MAIN = fileURLToPath(new URL("../dist/service/main.js", import.meta.url));
const MAX_READY_MS = 60_000;

export class ServiceProcess implements AsyncDisposable {
  readonly origin: string;
  /** What it logged, line by line. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<readonly unknown[]>;

  private constructor(origin: string, child: ChildProcess) {
    this.origin = origin;
    this.#child = child;
    this.#ended = once(child, "close");
    let rest = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        this.lines.push(...lines);
      });
    }
  }

  static start(port: number, environment: NodeJS.ProcessEnv): ServiceProcess {
    const child = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env["PATH"], HOST: "127.0.0.1", PORT: String(port), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new ServiceProcess(`http://127.0.0.1:${port}`, child);
  }

  static async startFleet(count: number, environment: NodeJS.ProcessEnv): Promise<readonly ServiceProcess[]> {
    const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
    const PEERS = ports.map((port) => `http://127.0.0.1:${port}`).join(",");
    const fleet = ports.map((port, index) =>
      ServiceProcess.start(port, { PEERS, REPLICA_NAME: `replica-${index + 1}`, ...environment }),
    );
    await Promise.all(fleet.map((service) => service.ready()));
    return fleet;
  }

  async ready(): Promise<void> {
    await waitUntil(
      async () => {
        if (this.hasEnded) throw new Error(`The service ended:\n${this.lines.join("\n")}`);
        return this.answer("/readyz").then(
          ({ ok }) => ok,
          () => false,
        );
      },
      { what: "the service to be ready", timeoutMs: MAX_READY_MS },
    );
  }

  answer(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.origin}${path}`, init);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Its exit code, or the signal that ended it. */
  async ended(): Promise<unknown> {
    const [code, signal] = await this.#ended;
    return code ?? signal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) this.kill("SIGKILL");
    await this.#ended;
  }
}
