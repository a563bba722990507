/**
 * Redis is killed and does not come back: what happens to callers who lead or wait at that moment, to the first call after it,
 * and to one when everybody knows by now. Clients are as their makers configure them. The same two processes are members of all
 * fleets; all servers are killed at once.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil, type Flier } from "@skein/testkit";
import type { Pace, Section } from "../report/section.ts";
import { OUTAGE_CONTENDERS } from "./contenders.ts";
import { Fleet } from "./fleet.ts";
import type { CallEnd } from "./member-process.ts";
import { within } from "./within.ts";

interface Watch {
  /** From the call, or from the end of the work under way. */
  readonly patienceMs: number;
  /** From the kill to the later call. */
  readonly laterMs: number;
}

/** ioredis's defaults give up after some 73 s. */
const WATCH: Record<Pace, Watch> = {
  tiny: { patienceMs: 2_000, laterMs: 500 },
  quick: { patienceMs: 5_000, laterMs: 2_000 },
  full: { patienceMs: 90_000, laterMs: 10_000 },
};
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
    const watch = WATCH[pace];
    progress(`${(watch.patienceMs + watch.laterMs) / 1_000} s`);
    const outages = await killServers(watch);
    return {
      tables: [
        {
          title: "Callers of a fleet whose Redis was killed",
          note: `What a call ends with, and after how long, s. Two processes were in one flight of ${WORK_MS / 1_000} s of work when Redis was killed; one of them calls for another key at once and, for a third, ${watch.laterMs / 1_000} s later; work takes no time then. "never" means not within ${watch.patienceMs / 1_000} s. Clients are as their makers configure them, but for the cautious one. One run: these times are set by settings.`,
          columns: ["", "two under way", "first call after", "a later call"],
          rows: OUTAGE_CONTENDERS.map(({ name }) => {
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

async function killServers({ patienceMs, laterMs }: Watch): Promise<Map<string, Outage>> {
  const names = OUTAGE_CONTENDERS.map(({ name }) => name);
  await using fleet = await Fleet.start(2, names);
  const { members } = fleet;
  const [first] = members;
  if (first === undefined) throw new Error("The fleet is empty.");
  const call = async (member: Flier, contender: string, key: string, workMs: number): Promise<Ending> => {
    const end = member.call<CallEnd>("call", contender, key, workMs);
    return (await within(patienceMs + workMs, end)) ?? null;
  };
  const callAll = async (which: string): Promise<Ending[]> =>
    Promise.all(names.map((name, index) => call(first, name, `k:${index}:${which}`, 0)));
  const underWay = Promise.all(
    names.map((name, index) =>
      Promise.all(members.map((member) => call(member, name, `k:${index}:under-way`, WORK_MS))),
    ),
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
  const atOnce = callAll("first");
  await sleep(laterMs);
  const [endings, firsts, laters] = await Promise.all([underWay, atOnce, callAll("later")]);
  return new Map(
    names.map((name, index) => [
      name,
      { underWay: endings[index] ?? [], first: firsts[index] ?? null, later: laters[index] ?? null },
    ]),
  );
}

function describe(ending: Ending): string {
  if (ending === null) return "never";
  const { tookMs, failed } = ending;
  return `${failed ? "error" : "value"} after ${(tookMs / 1_000).toFixed(tookMs < 100 ? 4 : 2)}`;
}
