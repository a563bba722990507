/**
 * Redis is killed and does not come back: what happens to callers who lead or wait at that moment, to the first call after it,
 * and to one when everybody knows by now. Clients are as their makers configure them. The same two processes are members of all
 * fleets; all servers are killed at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil, type Flier } from "@skein/testkit";
import type { Pace, Section } from "../report/section.ts";
import { FLEET_CONTENDERS } from "./contenders.ts";
import { Fleet } from "./fleet.ts";
import type { CallEnd } from "./member-process.ts";
import { within } from "./within.ts";

const PATIENCE_MS: Record<Pace, number> = { tiny: 2_000, quick: 3_000, full: 30_000 };
/** The work that is under way; Redis dies in the middle of it. */
const WORK_MS = 2_000;
const SETTLE_DOWN_MS = 300;

/** `null`: no answer while we watched. */
type Ending = CallEnd | null;

interface Outage {
  readonly underWay: readonly Ending[];
  readonly first: Ending;
  readonly later: Ending;
}

export const goneSection: Section = {
  name: "gone",
  title: "Redis is gone",
  async run(pace, progress) {
    const patienceMs = PATIENCE_MS[pace];
    progress(`${patienceMs / 1_000} s for each of three calls`);
    const outages = await killServers(patienceMs);
    return {
      tables: [
        {
          title: "Callers of a fleet whose Redis was killed",
          note: `What a call ends with, and after how long, s; work takes no time, except where calls were under way: ${WORK_MS / 1_000} s. "never" means not within ${patienceMs / 1_000} s. One run: these times are set by clients' settings.`,
          columns: ["", "two under way", "first call after", "a later call"],
          rows: FLEET_CONTENDERS.map(({ name }) => {
            const outage = outages.get(name);
            return [
              name,
              (outage?.underWay ?? []).map(describe).join(", "),
              describe(outage?.first ?? null),
              describe(outage?.later ?? null),
            ];
          }),
        },
      ],
      plots: [],
      bars: [],
      figures: Object.fromEntries(outages),
    };
  },
};

async function killServers(patienceMs: number): Promise<Map<string, Outage>> {
  const names = FLEET_CONTENDERS.map(({ name }) => name);
  await using fleet = await Fleet.start(2, names);
  const { members } = fleet;
  const call = async (member: Flier | undefined, contender: string, key: string): Promise<Ending> => {
    if (member === undefined) throw new Error("The fleet is empty.");
    return (await within(patienceMs + WORK_MS, member.call<CallEnd>("call", contender, key))) ?? null;
  };
  await Promise.all(members.map((member) => member.call("setWork", WORK_MS)));
  const underWay = names.map((name, index) =>
    Promise.all(members.map((member) => call(member, name, `k:${index}:under-way`))),
  );
  await waitUntil(
    () =>
      names.every((_, index) =>
        members.some(({ events }) => events.some(({ key }) => key === `k:${index}:under-way`)),
      ),
    { what: "an execution of every contender", everyMs: 2 },
  );
  await sleep(SETTLE_DOWN_MS);
  await Promise.all(names.map((name) => fleet.server(name).kill()));
  const endings = await Promise.all(underWay);
  await Promise.all(members.map((member) => member.call("setWork", 0)));
  const afterwards = async (which: string): Promise<Ending[]> =>
    Promise.all(names.map((name, index) => call(members[0], name, `k:${index}:${which}`)));
  const first = await afterwards("first");
  const later = await afterwards("later");
  return new Map(
    names.map((name, index) => [
      name,
      { underWay: endings[index] ?? [], first: first[index] ?? null, later: later[index] ?? null },
    ]),
  );
}

function describe(ending: Ending): string {
  if (ending === null) return "never";
  const { tookMs, failed } = ending;
  return `${failed ? "error" : "value"} after ${(tookMs / 1_000).toFixed(tookMs < 100 ? 4 : 2)}`;
}
