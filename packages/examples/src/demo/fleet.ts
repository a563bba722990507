// Four servers of one mode, as four containers of one deployment.

import { Server, type ServerConfig } from "./server.ts";

export const PROCESSES = 4;

export class Fleet implements AsyncDisposable {
  readonly servers: readonly Server[];

  private constructor(servers: readonly Server[]) {
    this.servers = servers;
  }

  static async start(config: ServerConfig): Promise<Fleet> {
    const starts = Array.from({ length: PROCESSES }, () => Server.start(config));
    const settled = await Promise.allSettled(starts);
    const fleet = new Fleet(settled.flatMap((start) => (start.status === "fulfilled" ? [start.value] : [])));
    const failed = settled.find((start) => start.status === "rejected");
    if (failed === undefined) return fleet;
    await fleet[Symbol.asyncDispose]();
    throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}
