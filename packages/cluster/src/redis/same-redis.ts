/**
 * Whether two sources name the same Redis, told from their names alone: nothing is connected. Not promised: that one
 * server under two names is found out.
 */
import { isClusterSource, readClusterSource, type RedisSource } from "./cluster-source.ts";
import { templateOf, type NodeSource } from "./connection-profile.ts";

export function isSameRedis(own: RedisSource, other: unknown): boolean {
  if (own === other) return true;
  const names = namesOf(own);
  return namesOf(other as RedisSource).some((name) => names.includes(name));
}

/** What a source calls its server: as often as it names nodes of a Redis Cluster, or Sentinels. None, if it is no source. */
function namesOf(source: RedisSource): readonly string[] {
  try {
    if (isClusterSource(source)) {
      return readClusterSource(source).seeds.map(({ host, port }) => `cluster ${hostOf(host)}:${port}`);
    }
    // Something that is used like a client, but cannot be told from options by its shape.
    if (typeof source === "object" && "pipeline" in source && !("duplicate" in source)) return [];
    return namesOfNode(source);
  } catch {
    return [];
  }
}

function namesOfNode(source: NodeSource): readonly string[] {
  const { sentinels, name = "", path, host, port = 6379, db = 0 } = templateOf(source).options;
  if (Array.isArray(sentinels) && sentinels.length > 0) {
    // Others may have given theirs the same name.
    return sentinels.map((at) => `${name} of ${hostOf(at.host)}:${at.port ?? 26_379}/${db}`);
  }
  if (path !== undefined && path !== null) return [`${path}/${db}`];
  return [`${hostOf(host)}:${port}/${db}`];
}

function hostOf(host: string | undefined): string {
  return host === undefined || host === "localhost" ? "127.0.0.1" : host;
}
