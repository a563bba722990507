// Several hundred callers at once for a report that nobody has asked for: without coalescing, coalesced in each replica,
// and in the fleet.

import type { ServiceConfig } from "../../service/service-config.ts";
import { REPLICAS, type Deployment } from "./deployment.ts";
import { EpisodeRecord, type Episode } from "./episode.ts";

const CALLERS = 280;
const MODES: readonly ServiceConfig["COALESCING"][] = ["none", "process", "fleet"];
const MAX_EXECUTIONS = { none: CALLERS, process: REPLICAS, fleet: 1 };
const DAY = "2026-02-01";
// Coalesced: slow enough that everybody has come before it ends. Hundreds of those would take minutes, so without
// coalescing each is lighter; latencies of the rounds are therefore not compared.
const ROWS = { none: 200_000, process: 3_000_000, fleet: 3_000_000 };

/** Leaves the deployment as a fleet that coalesces. */
export async function playStampedes(
  deployment: Deployment,
  environment: Readonly<Record<string, string>>,
): Promise<readonly Episode[]> {
  const episodes: Episode[] = [];
  for (const mode of MODES) {
    await deployment.up({ ...environment, COALESCING: mode, POSTGRES_WAIT_MS: "30000" });
    const beganMs = Date.now();
    const calls = await deployment.load({
      LOAD_STAMPEDE: `/live/${DAY}?rows=${ROWS[mode]}`,
      LOAD_CALLERS: String(CALLERS),
    });
    const record = new EpisodeRecord(`stampede, coalescing: ${mode}`);
    record.calls(calls);
    const executions = (await deployment.executionsSince(beganMs)).length;
    record.figure("rowsPerExecution", ROWS[mode]);
    record.figure("executions", executions);
    const limit = MAX_EXECUTIONS[mode];
    record.expect(executions <= limit, `${executions} executions instead of at most ${limit}`);
    record.expect(mode !== "none" || executions === CALLERS, `${executions} executions for ${CALLERS} calls`);
    episodes.push(record.end());
  }
  return episodes;
}
