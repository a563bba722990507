/**
 * SIGKILL of the process that executes while others wait for it: how soon another one starts the work, and how soon the
 * waiting callers are answered, if ever. Leases and locks are 5 s long everywhere. One process leads for every contender, each
 * with a Redis of its own, so one kill strikes them all.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntil, type Flier, type FlierEvent } from "@skein/testkit";
import { bar, type Bar } from "../report/bar.ts";
import type { Pace, Section } from "../report/section.ts";
import { spreadOf } from "../sample.ts";
import { FLEET_CONTENDERS } from "./contenders.ts";
import { inProcessOnly } from "./contenders/in-process-only.ts";
import { nothing } from "./contenders/nothing.ts";
import { skeinCache, skeinFlights } from "./contenders/skein.ts";
import { Fleet } from "./fleet.ts";
import type { CallEnd } from "./member-process.ts";
import { within } from "./within.ts";

const EFFORT: Record<Pace, { readonly rounds: number; readonly patienceMs: number }> = {
  tiny: { rounds: 1, patienceMs: 2_000 },
  quick: { rounds: 1, patienceMs: 8_000 },
  full: { rounds: 3, patienceMs: 40_000 },
};
const PROCESSES = 3;
/** The work of who is killed; nobody sees the end of it. */
const ENDLESS_MS = 3_600_000;
const WORK_MS = 10;
/** Until those who do not execute certainly wait. */
const SETTLE_DOWN_MS = 700;
/** Where any process may take the work, it may take some keys until the one does that is to die. */
const MAX_KEYS = 20;

/** Those in which a process waits for another one. */
const MORTALS = FLEET_CONTENDERS.filter((contender) => contender !== nothing && contender !== inProcessOnly);

interface Death {
  /** From the kill to the start of the work elsewhere; `null`: not while we watched. */
  readonly takenOverMs: number | null;
  /** From the kill to the last answer of those who waited; `null`: some got none. */
  readonly answeredMs: number | null;
  readonly failures: number;
  /** Executions in those who should have waited. */
  readonly executedBefore: number;
}

type Ends = readonly CallEnd[];

export const deathSection: Section = {
  name: "death",
  title: "Death of the leader",
  async run(pace, progress) {
    const { rounds, patienceMs } = EFFORT[pace];
    const deaths = new Map<string, Death[]>(MORTALS.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      progress(`round ${round + 1}`);
      for (const [name, death] of await killLeaders(patienceMs)) deaths.get(name)?.push(death);
    }
    return {
      tables: [
        {
          title: "SIGKILL while two processes wait",
          note: `Middle of ${rounds}, s after the kill; "never" means not within ${patienceMs / 1_000} s. Multiples would hide what a caller sees, so these are times; they depend on leases and intervals, hardly on the machine.`,
          columns: [
            "",
            "configuration",
            "work starts again",
            "callers are answered",
            "failed calls",
            "executed beside the leader",
          ],
          rows: MORTALS.map(({ name, configuration }) => {
            const each = deaths.get(name) ?? [];
            return [
              name,
              configuration,
              seconds(middle(each.map(({ takenOverMs }) => takenOverMs))),
              seconds(middle(each.map(({ answeredMs }) => answeredMs))),
              String(each.reduce((sum, { failures }) => sum + failures, 0)),
              String(each.reduce((sum, { executedBefore }) => sum + executedBefore, 0)),
            ];
          }),
        },
      ],
      plots: [],
      bars: barsOf(deaths),
      figures: Object.fromEntries(deaths),
    };
  },
};

async function killLeaders(patienceMs: number): Promise<Map<string, Death>> {
  const names = MORTALS.map(({ name }) => name);
  await using fleet = await Fleet.start(PROCESSES, names);
  const [leader, ...others] = fleet.members;
  if (leader === undefined) throw new Error("The fleet is empty.");
  await Promise.all(fleet.members.map((member) => member.call("setWork", ENDLESS_MS)));
  const waiting = new Map<string, Promise<Ends>>();
  const keys = new Map<string, string>();
  for (const name of names) {
    const key = await lead(fleet, name);
    keys.set(name, key);
    waiting.set(name, Promise.all(others.map((member) => member.call<CallEnd>("call", name, key))));
  }
  await sleep(SETTLE_DOWN_MS);
  await Promise.all(others.map((member) => member.call("setWork", WORK_MS)));
  const executedBefore = new Map(names.map((name) => [name, starts(others, keys.get(name)).length]));
  const killedAt = performance.now();
  leader.signal("SIGKILL");
  const deaths = names.map(async (name): Promise<[string, Death]> => {
    const before = executedBefore.get(name) ?? 0;
    const takenOver = waitUntil(() => starts(others, keys.get(name)).length > before, {
      what: "a takeover",
      everyMs: 2,
      timeoutMs: patienceMs,
    }).then(() => performance.now() - killedAt);
    const answered = waiting.get(name)?.then((ends) => ({ ends, ms: performance.now() - killedAt }));
    const [takenOverMs, answers] = await Promise.all([
      within(patienceMs, takenOver),
      answered === undefined ? undefined : within(patienceMs, answered),
    ]);
    return [
      name,
      {
        takenOverMs: takenOverMs ?? null,
        answeredMs: answers?.ms ?? null,
        failures: answers?.ends.filter(({ failed }) => failed).length ?? 0,
        executedBefore: before,
      },
    ];
  });
  return new Map(await Promise.all(deaths));
}

/** A key that the first process executes for this contender, and goes on executing. */
async function lead({ members }: Fleet, contender: string): Promise<string> {
  const [first] = members;
  for (let attempt = 0; attempt < MAX_KEYS; attempt++) {
    const key = `k:${MORTALS.findIndex(({ name }) => name === contender)}:${attempt}`;
    // It ends with the process.
    first?.call("call", contender, key).catch(() => undefined);
    await waitUntil(() => starts(members, key).length > 0, { what: `an execution by ${contender}` });
    if (starts(first === undefined ? [] : [first], key).length > 0) return key;
  }
  throw new Error(`The first process executes nothing for ${contender}.`);
}

function starts(members: readonly Flier[], key: string | undefined): FlierEvent[] {
  return members.flatMap(({ events }) =>
    events.filter((event) => event.type === "load-started" && event["key"] === key),
  );
}

function barsOf(deaths: ReadonlyMap<string, readonly Death[]>): Bar[] {
  const takenOver = (name: string): number =>
    middle((deaths.get(name) ?? []).map(({ takenOverMs }) => takenOverMs)) ?? Infinity;
  const skein = takenOver(skeinFlights.name);
  const peers = MORTALS.filter((contender) => contender !== skeinFlights && contender !== skeinCache);
  const quickest = peers.toSorted((a, b) => takenOver(a.name) - takenOver(b.name))[0];
  const quickestMs = quickest === undefined ? Infinity : takenOver(quickest.name);
  return [
    bar("SIGKILL of the leader, default lease: work starts again after, ms", skein, { below: 1_000 }),
    bar(
      `SIGKILL of the leader: time beside the quickest peer (${quickest?.name ?? "none"})`,
      skein / quickestMs,
      {
        below: 1,
      },
    ),
  ];
}

/** What never came counts as the latest. */
function middle(values: readonly (number | null)[]): number | null {
  const { median } = spreadOf(values.map((value) => value ?? Infinity));
  return Number.isFinite(median) ? median : null;
}

function seconds(ms: number | null): string {
  return ms === null ? "never" : (ms / 1_000).toFixed(2);
}
