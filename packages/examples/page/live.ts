// The live page: asks its replica for the state of the fleet a few times a second, and draws it. Counters of a replica
// begin anew when its process does, so increases are added up here. The interfaces are what src/service answers with,
// and the page has loaded uPlot before this.

import type UPlot from "uplot";

const LOOK_EVERY_MS = 200;
const MAX_ANSWER_MS = 2_000;
const SHOWN_SAMPLES = 300;
const CALLERS = 280;
const CHART_HEIGHT = 260;
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- its enum is declared, but is not there at run time
const RIGHT: UPlot.Axis.Side = 1;

interface Replica {
  readonly process: string;
  readonly callersWaiting: number;
  readonly callsStarted: number;
  readonly leading: readonly { readonly prefix: string; readonly forMs: number }[];
  readonly takeovers: number;
  readonly fallbacks: number;
  readonly coordination: "fleet" | "alone";
}

interface Fleet {
  readonly replicas: readonly Replica[];
  /** As Postgres counted them, so that those of killed replicas are not lost; null while it does not answer. */
  readonly executions: number | null;
  readonly controls: boolean;
}

interface Outcome {
  readonly told?: string;
  readonly message?: string;
  readonly answered?: number;
  readonly executions?: number;
}

const COUNTED = { callers: "callsStarted", takeovers: "takeovers", fallbacks: "fallbacks" } as const;
const totals = { callers: 0, takeovers: 0, fallbacks: 0 };
const last = new Map<string, Replica>();
let isOpening = true;
let executionsAtOpening: number | undefined;
const times: number[] = [];
const waiting: number[] = [];
const running: number[] = [];

function element(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`#${id}`);
  if (found === null) throw new Error(`The page has no #${id}.`);
  return found;
}

function show(id: string, text: string | number): void {
  element(id).textContent = String(text);
}

const chart = new uPlot(
  {
    width: element("chart").clientWidth,
    height: CHART_HEIGHT,
    scales: {
      callers: { range: (_chart, _min, max) => [0, Math.max(10, max * 1.1)] },
      executions: { range: (_chart, _min, max) => [0, Math.max(4, max + 1)] },
    },
    axes: [
      {},
      { scale: "callers", label: "callers waiting" },
      { scale: "executions", side: RIGHT, label: "executions running", grid: { show: false } },
    ],
    series: [
      {},
      { label: "callers waiting", scale: "callers", stroke: "#2a6fdb", fill: "#2a6fdb22", width: 2 },
      { label: "executions running", scale: "executions", stroke: "#d9480f", width: 2 },
    ],
  },
  [times, waiting, running],
  element("chart"),
);

function addUp({ replicas, executions, controls }: Fleet): void {
  for (const replica of replicas) {
    // What was before the page was opened does not count; what a replica did that came later, or came back, does.
    const known = last.get(replica.process) ?? (isOpening ? replica : undefined);
    const before = known !== undefined && hasBegunAnew(replica, known) ? undefined : known;
    for (const [id, counter] of entriesOf(COUNTED)) {
      totals[id] += replica[counter] - (before?.[counter] ?? 0);
      show(id, totals[id]);
    }
    last.set(replica.process, replica);
  }
  isOpening = false;
  if (executions === null) {
    show("executions", "?");
  } else {
    executionsAtOpening ??= executions;
    show("executions", executions - executionsAtOpening);
  }
  element("controls").hidden = !controls;
}

/** A container that is started again has its old name. */
function hasBegunAnew(replica: Replica, before: Replica): boolean {
  return Object.values(COUNTED).some((counter) => replica[counter] < before[counter]);
}

function draw(replicas: readonly Replica[]): void {
  times.push(Date.now() / 1_000);
  waiting.push(replicas.reduce((sum, { callersWaiting }) => sum + callersWaiting, 0));
  running.push(replicas.reduce((sum, { leading }) => sum + leading.length, 0));
  if (times.length > SHOWN_SAMPLES) for (const values of [times, waiting, running]) values.shift();
  chart.setData([times, waiting, running]);
  element("replicas").replaceChildren(...replicas.map(rowOf));
}

function rowOf(replica: Replica): HTMLTableRowElement {
  const { process, callersWaiting, leading, takeovers, fallbacks, coordination } = replica;
  const row = document.createElement("tr");
  row.className = `${leading.length > 0 ? "leads" : ""} ${coordination}`;
  const runs = leading.map(({ prefix, forMs }) => `${prefix} for ${forMs} ms`).join(", ");
  const coordinates = coordination === "fleet" ? "yes" : "no";
  for (const text of [process, callersWaiting, runs, takeovers, fallbacks, coordinates]) {
    row.insertCell().textContent = String(text);
  }
  return row;
}

async function look(): Promise<void> {
  const answer = await fetch("/fleet", { signal: AbortSignal.timeout(MAX_ANSWER_MS) });
  const fleet = (await answer.json()) as Fleet;
  addUp(fleet);
  draw(fleet.replicas);
  show("connection", `${fleet.replicas.length} replicas`);
}

function goOnLooking(): void {
  look()
    .catch(() => show("connection", "this replica does not answer; trying again"))
    .finally(() => setTimeout(goOnLooking, LOOK_EVERY_MS));
}

async function control(name: string): Promise<void> {
  const answer = await fetch(`/controls/${name}?callers=${CALLERS}`, {
    method: "POST",
    headers: { "x-control": "page" },
  });
  const { told, message, answered, executions } = (await answer.json()) as Outcome;
  show("outcome", told ?? message ?? "no answer");
  if (answered === undefined || executions === undefined) return;
  show("stampede-callers", answered);
  show("stampede-executions", executions);
  show("stampede-word", executions === 1 ? "execution" : "executions");
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): readonly [K, V][] {
  return Object.entries(record) as [K, V][];
}

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-control]")) {
  button.addEventListener("click", () => {
    control(button.dataset["control"] ?? "").catch((error: unknown) => show("outcome", String(error)));
  });
}
goOnLooking();
