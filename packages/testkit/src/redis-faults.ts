/** What goes wrong in a Redis that answers: one function per trouble, to be used as it is or in a `Recurring`. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import type { RedisServer } from "./redis-server.ts";
import { waitUntil } from "./wait-until.ts";

/** Cuts every connection that has a subscription; says how many. */
export async function killSubscribers(client: Redis): Promise<number> {
  return Number(await client.call("CLIENT", "KILL", "TYPE", "pubsub"));
}

/** The server forgets every script: EVALSHA is answered NOSCRIPT until somebody sends EVAL. */
export async function flushScripts(client: Redis): Promise<void> {
  await client.script("FLUSH", "SYNC");
}

/** The server answers nobody for so long, and then everybody, late. Resolves when it goes on. */
export async function freezeServer(server: RedisServer, ms: number): Promise<void> {
  await server.pause();
  await sleep(ms);
  await server.resume();
}

/**
 * A script keeps the server busy for so long: commands wait, and beyond its `busy-reply-threshold` (5 s by default, at
 * least so long it takes) they are answered BUSY. Resolves when it is over.
 */
export async function occupyWithScript(client: Redis, ms: number): Promise<void> {
  const killer = client.duplicate();
  await killer.ping();
  const script = client.eval("while true do end", 0).catch((error: unknown) => String(error));
  await sleep(ms);
  await killer.script("KILL");
  killer.disconnect();
  await script;
}

/** Commands that write wait for so long, or all do; other things of the server go on. Returns at once. */
export async function pauseClients(client: Redis, ms: number, mode: "WRITE" | "ALL" = "ALL"): Promise<void> {
  await client.call("CLIENT", "PAUSE", String(Math.round(ms)), mode);
}

/** No command that needs memory is carried out (OOM), until `relieveMemory`. */
export async function exhaustMemory(client: Redis): Promise<void> {
  await client.config("SET", "maxmemory-policy", "noeviction");
  await client.config("SET", "maxmemory", "1");
}

export async function relieveMemory(client: Redis): Promise<void> {
  await client.config("SET", "maxmemory", "0");
}

/** Evicts every key, as a server under pressure does that was set up as a cache; then it has as much memory as it likes. */
export async function evictEverything(client: Redis): Promise<void> {
  await client.config("SET", "maxmemory-policy", "allkeys-lru");
  await client.config("SET", "maxmemory", "1");
  await waitUntil(async () => (await client.dbsize()) === 0, { what: "every key to be evicted" });
  await relieveMemory(client);
  await client.config("SET", "maxmemory-policy", "noeviction");
}

/** A subscriber that is so many bytes behind is disconnected. */
export async function limitSubscriberBuffers(client: Redis, maxBytes: number): Promise<void> {
  await client.config("SET", "client-output-buffer-limit", `pubsub ${maxBytes} ${maxBytes} 0`);
}

/** A user that may do what the ACL rules say and nothing else, e.g. "+@all", "-eval", "~shop:*", "resetchannels". */
export async function addUser(
  client: Redis,
  name: string,
  password: string,
  ...rules: readonly string[]
): Promise<void> {
  await client.acl("SETUSER", name, "reset", "on", `>${password}`, ...rules);
}
