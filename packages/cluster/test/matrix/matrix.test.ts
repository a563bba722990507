/** The row of the matrix for the server that this machine has; `scripts/matrix` runs the others. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { CLIENTS } from "./clients.ts";
import { runCell, TRANSPORTS } from "./run-cell.ts";
import { startTopology, TOPOLOGIES, type Topology } from "./topologies.ts";

const cells = CLIENTS.flatMap((client) => TRANSPORTS.map((transport) => [client, transport] as const));

describe.each(TOPOLOGIES)("over %s", (name) => {
  let topology: Topology;
  beforeAll(async () => {
    topology = await startTopology[name]();
  });
  afterAll(() => topology[Symbol.asyncDispose]());

  it.each(cells)("with clients of %s, woken by %s, all claims hold", (client, transport) =>
    runCell(topology, client, transport),
  );
});
