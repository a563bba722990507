/** A replica of a server, for failover to one that has not seen everything: put a TcpProxy in between and hold it. */
import { RedisServer, type RedisServerOptions } from "./redis-server.ts";
import { waitUntil } from "./wait-until.ts";

export interface ReplicaOptions extends RedisServerOptions {
  /** Of the primary. */
  primaryPassword?: string;
}

/** Resolves when the replica has all data and hears of every change. `primary` may be a proxy in front of one. */
export async function startReplica(
  primary: { readonly host: string; readonly port: number },
  { primaryPassword, ...options }: ReplicaOptions = {},
): Promise<RedisServer> {
  const secret = primaryPassword === undefined ? [] : ["--masterauth", primaryPassword];
  const link = [
    "--replicaof",
    primary.host,
    String(primary.port),
    "--repl-ping-replica-period",
    "1",
    ...secret,
  ];
  const replica = await RedisServer.start({ ...options, args: [...link, ...(options.args ?? [])] });
  try {
    const admin = replica.client();
    await waitUntil(async () => (await admin.info("replication")).includes("master_link_status:up"), {
      timeoutMs: 30_000,
      what: `the replica to follow the primary on port ${primary.port}`,
    });
    admin.disconnect();
    return replica;
  } catch (error) {
    await replica.stop();
    throw error;
  }
}

/** Makes the replica a primary with the data that it has; the old one is not asked. */
export async function promote(replica: RedisServer): Promise<void> {
  const admin = replica.client();
  await admin.replicaof("NO", "ONE");
  admin.disconnect();
}
