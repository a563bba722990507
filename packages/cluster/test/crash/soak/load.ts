/** Calls of all processes, a hundred in a second, of every kind, and what came of each. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SeededRandom } from "@skein/testkit";
import type { WorkPlan } from "../../fliers/coalescing-flier.ts";
import type { Told } from "../../fliers/deployment.ts";
import type { FaultFleet } from "../faults/fault-fleet.ts";

const KEYS = 12;
const CALL_EVERY_MS = 10;
/** What work that fails, here or elsewhere, and processes that are killed again and again bring with them. */
const EXPECTED_ERRORS: ReadonlySet<string> = new Set([
  "E_WORK",
  "ERR_SKEIN_REMOTE_WORK",
  "ERR_SKEIN_FLIGHT_ABANDONED",
]);

export class Load {
  calls = 0;
  answered = 0;
  /** Of processes that were killed under them. */
  orphaned = 0;
  /** Of processes that live, and not answered, or with an error that nothing accounts for. */
  lost = 0;
  /** Answers that are errors, by their code. */
  readonly errors: Record<string, number> = {};
  readonly #fleet: FaultFleet;
  readonly #random: SeededRandom;

  constructor(fleet: FaultFleet, random: SeededRandom) {
    this.#fleet = fleet;
    this.#random = random;
  }

  get pending(): number {
    return this.calls - this.answered - this.orphaned - this.lost;
  }

  /** Does not wait for the last answers. */
  async keepCalling(endsAt: number): Promise<void> {
    while (performance.now() < endsAt) {
      const index = this.#random.integer(this.#fleet.fliers.length);
      const key = `k:${this.#random.integer(KEYS)}`;
      this.#call(index, key, this.#plan());
      if (this.#random.fraction() < 0.005) this.#forget(index, key);
      await sleep(CALL_EVERY_MS);
    }
  }

  #plan(): WorkPlan {
    const chance = this.#random.fraction();
    if (chance < 0.02) return { blocksMs: 300 };
    return {
      workMs: this.#random.integer(chance < 0.1 ? 1_500 : 100),
      heeds: chance < 0.5,
      ...(chance > 0.95 ? { fails: "as planned" } : {}),
    };
  }

  #call(index: number, key: string, plan: WorkPlan): void {
    this.calls += 1;
    const answered = (told: Told): void => {
      if (!told.ok && !EXPECTED_ERRORS.has(this.#count(told))) this.lost += 1;
      else this.answered += 1;
    };
    this.#fleet.call(index, key, plan).then(answered, (error: unknown) => {
      if (String(error).includes("by SIGKILL")) this.orphaned += 1;
      else this.lost += 1;
    });
  }

  /** Returns the code under which it counts. */
  #count({ error }: Told): string {
    const { skeinCode, code: ownCode, name = "" } = error ?? {};
    const code = [skeinCode, ownCode].find((one) => typeof one === "string") ?? name;
    this.errors[code] = (this.errors[code] ?? 0) + 1;
    return code;
  }

  #forget(index: number, key: string): void {
    const forgotten = this.#fleet.flier(index).call("forget", key);
    // As with the calls: the process may be killed under it.
    forgotten.catch(() => undefined);
  }
}
