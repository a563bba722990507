/** Links as these tests open them; all are closed afterwards. */
import { systemClock, systemRandomness } from "@skein/core";
import { Redis, type RedisOptions } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import type { NodeSource } from "../../src/redis/connection-profile.ts";
import { Link, type ConnectionOptions } from "../../src/redis/connection.ts";

export const REDIS_TIMEOUT_MS = 250;
/** For what must happen, however slow the machine. */
export const GENEROUS_MS = 20_000;

const open: Link[] = [];
const clients: { disconnect(): void }[] = [];

export function openLink(
  source: NodeSource,
  options: Partial<ConnectionOptions> & { onReady?: (redis: Redis) => Promise<void> } = {},
): Link {
  const { onReady, ...rest } = options;
  const link = new Link(
    {
      source,
      redisTimeoutMs: REDIS_TIMEOUT_MS,
      heartbeatEveryMs: 1_000,
      silenceLimitMs: 2_500,
      clock: systemClock,
      randomness: systemRandomness,
      ...rest,
    },
    onReady === undefined ? "commands" : "inbox",
    onReady,
  );
  open.push(link);
  return link;
}

export async function openUp(
  source: NodeSource,
  options: Partial<ConnectionOptions> & { onReady?: (redis: Redis) => Promise<void> } = {},
): Promise<Link> {
  const link = openLink(source, options);
  await untilState(link, "up");
  return link;
}

export async function closeAll(): Promise<void> {
  await Promise.all(open.splice(0).map((link) => link.close()));
  for (const client of clients.splice(0)) client.disconnect();
}

export function untilState(link: Link, state: Link["state"]): Promise<void> {
  return new Promise((resolve) => {
    if (link.state === state) {
      resolve();
      return;
    }
    const stop = link.onStateChange((now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
}

/** What an application may hand over: its own client, of either version and protocol. */
export const applicationClients: readonly [
  string,
  (server: { readonly url: string }, options?: RedisOptions) => Redis,
][] = [
  [
    "ioredis 6 with RESP3",
    (server, options) => own(new Redis(server.url, { ...options, protocol: 3, replyMapping: "legacy" })),
  ],
  [
    "ioredis 6 with RESP2",
    (server, options) => own(new Redis(server.url, { ...options, protocol: 2, replyMapping: "legacy" })),
  ],
  // Another major version: the same shape, other types.
  [
    "ioredis 5",
    (server, options) => own(new Redis5(server.url, { ...options } as object) as unknown as Redis),
  ],
];

function own(client: Redis): Redis {
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** Keeps this process busy: no timer fires and nothing is read meanwhile. */
export function blockFor(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
