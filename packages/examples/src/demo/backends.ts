// The two servers that the fleet shares: Postgres with the data, and Redis. They live under a process of their own, which
// ends them when the demo is gone, however it went (see child.ts).

import { Child } from "./child.ts";

export interface BackendsReady {
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

export type Backends = Child<BackendsReady>;

/** `redisUrl`: a server to use instead of starting one. */
export async function startBackends(redisUrl: string | undefined): Promise<Backends> {
  const config: BackendsConfig = redisUrl === undefined ? {} : { redisUrl };
  return Child.start<BackendsReady>(import.meta.resolve("./backends-process.js"), config);
}

export interface BackendsConfig {
  readonly redisUrl?: string;
}
