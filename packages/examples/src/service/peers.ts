// The replicas of a fleet, found by name: a name with several addresses, as a service has in Docker and behind a headless
// Service of Kubernetes, stands for all of them.

import { lookup } from "node:dns/promises";

/** Origins with an address each, sorted. A name that is not known now has none. */
export async function originsOf(peers: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    peers.map(async (peer) => {
      const { hostname, port } = new URL(peer);
      const addresses = await lookup(hostname, { all: true, family: 4 }).catch(() => []);
      return addresses.map(({ address }) => `http://${address}:${port || "80"}`);
    }),
  );
  return [...new Set(found.flat())].toSorted();
}
