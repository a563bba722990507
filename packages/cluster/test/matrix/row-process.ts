/**
 * Runs as a process: every cell of one server and of the clients that the arguments name, as JSON lines. The server is the
 * one that SKEIN_REDIS_SERVER names.
 */
import { CLIENTS } from "./clients.ts";
import { runCell, TRANSPORTS } from "./run-cell.ts";
import { startTopology, TOPOLOGIES } from "./topologies.ts";

export interface CellResult {
  readonly topology: string;
  readonly client: string;
  readonly transport: string;
  /** Why it failed; absent if it did not. */
  readonly failure?: string;
  readonly tookMs: number;
}

for (const topology of TOPOLOGIES) {
  await using started = await startTopology[topology]();
  for (const client of CLIENTS.filter((name) => process.argv.includes(name))) {
    for (const transport of TRANSPORTS) {
      const began = performance.now();
      const failure = await runCell(started, client, transport).then(
        () => ({}),
        (error: unknown) => ({ failure: String(error) }),
      );
      const result: CellResult = {
        topology,
        client,
        transport,
        ...failure,
        tookMs: Math.round(performance.now() - began),
      };
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  }
}
// Whatever an application's client left open has nothing more to say.
process.exit();
