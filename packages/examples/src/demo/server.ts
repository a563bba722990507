// One of the four HTTP servers, as the demo sees it from outside.

import { Client } from "undici";
import type { Role } from "@skein/core";
import { Child } from "./child.ts";
import type { Mode } from "./mode.ts";
import type { Report } from "./report.ts";

export interface ServerConfig {
  readonly mode: Mode;
  readonly postgresUrl: string;
  readonly redisUrl: string;
  /** Ours alone: other demos may share the Redis. */
  readonly namespace: string;
  readonly windowDays: number;
}

export interface ServerReady {
  readonly port: number;
}

/** The body of GET /report/:day. */
export interface Answer {
  readonly value: Report;
  readonly role: Role;
  readonly takeovers: number;
  readonly flightId: string;
  readonly pid: number;
}

/** The body of GET /status. */
export interface ServerStatus {
  readonly callersWaiting: number;
  /** Executions of the report under way in this process. */
  readonly worksRunning: number;
}

export class Server implements AsyncDisposable {
  readonly origin: string;
  readonly pid: number;
  readonly #child: Child<ServerReady>;
  readonly #probe: Client;

  private constructor(child: Child<ServerReady>) {
    this.#child = child;
    this.pid = child.pid;
    this.origin = `http://127.0.0.1:${child.ready.port}`;
    this.#probe = new Client(this.origin);
  }

  static async start(config: ServerConfig): Promise<Server> {
    return new Server(await Child.start<ServerReady>(import.meta.resolve("./server-process.js"), config));
  }

  async status(): Promise<ServerStatus> {
    const { body } = await this.#probe.request({ method: "GET", path: "/status" });
    return (await body.json()) as ServerStatus;
  }

  /** SIGKILL, as the kernel does when memory runs out. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe.destroy();
    await this.#child[Symbol.asyncDispose]();
  }
}
