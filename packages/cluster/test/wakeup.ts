/**
 * How the processes of these suites are woken: SKEIN_WAKEUP, "pubsub" or "list". Every claim holds for both; what rests
 * on one of them, and how long a death may go unnoticed, is said here.
 */
import type { ClusterOptions } from "@skein/cluster";
import type { Redis } from "ioredis";
import { oneServer } from "./topology/redis-topology.ts";

type Wakeup = NonNullable<ClusterOptions["wakeup"]>;

export const WAKEUP: Wakeup = process.env["SKEIN_WAKEUP"] === "list" ? "list" : "pubsub";

/**
 * A killed leader is succeeded within this, at the default options. An empty channel tells in half a second; about a
 * leader with a list, or on a Redis Cluster, only the lease of five seconds does. Generous, since machines are busy.
 */
export const SUCCEEDED_WITHIN_MS: number = WAKEUP === "pubsub" && oneServer ? 5_000 : 20_000;

/** Breaks the connections on which processes wait for wake-ups; says how many there were. */
export async function cutInboxes(admin: Redis): Promise<number> {
  if (WAKEUP === "pubsub") return Number(await admin.call("CLIENT", "KILL", "TYPE", "pubsub"));
  const clients = String(await admin.client("LIST"));
  const ids = Array.from(clients.matchAll(/^id=(\d+) .*\bcmd=b?rpop\b/gm), ([, id = ""]) => id);
  const killed = await Promise.all(ids.map((id) => admin.client("KILL", "ID", id)));
  return killed.reduce<number>((sum, count) => sum + Number(count), 0);
}

/** Puts a message into the inbox of a process, as anybody could who may. */
export async function postTo(admin: Redis, inbox: string, message: Uint8Array): Promise<void> {
  if (WAKEUP === "pubsub") await admin.publish(inbox, Buffer.from(message));
  else await admin.multi().lpush(inbox, Buffer.from(message)).pexpire(inbox, 10_000).exec();
}
