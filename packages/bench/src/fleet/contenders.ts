/** Who takes part, in the order of the tables. */
import type { FleetContender } from "./contender.ts";
import { bullmq } from "./contenders/bullmq.ts";
import { dlock } from "./contenders/dlock.ts";
import { inProcessOnly } from "./contenders/in-process-only.ts";
import { moleculer } from "./contenders/moleculer.ts";
import { nothing, nothingCareful } from "./contenders/nothing.ts";
import { polling, pollingBehindMap } from "./contenders/polling.ts";
import { redlock, redlockBehindMap } from "./contenders/redlock.ts";
import { skeinCache, skeinFlights } from "./contenders/skein.ts";
import { stampedeCache } from "./contenders/cache-stampede.ts";

export const FLEET_CONTENDERS: readonly FleetContender[] = [
  nothing,
  inProcessOnly,
  redlock,
  redlockBehindMap,
  polling,
  pollingBehindMap,
  dlock,
  bullmq,
  stampedeCache,
  moleculer,
  skeinFlights,
  skeinCache,
];

/** Who is asked what happens without Redis; with it the careful one is like the careless. */
export const OUTAGE_CONTENDERS: readonly FleetContender[] = [nothingCareful, ...FLEET_CONTENDERS];

export function fleetContenderNamed(name: string): FleetContender {
  const found = OUTAGE_CONTENDERS.find((contender) => contender.name === name);
  if (found === undefined) throw new RangeError(`No contender is called ${name}.`);
  return found;
}
