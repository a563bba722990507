/** Does to the processes of a simulation, its network and its server what the scenario says, at random moments. */
import { background } from "@skein/core/internal";
import { NOBODY } from "./recorder.ts";
import type { Fault } from "./scenario.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { Simulation } from "./simulation.ts";

const LONGEST_STOP_MS = 8_000;
const LONGEST_CUT_MS = 4_000;
const LONGEST_HANG_MS = 1_500;
const LONGEST_DRAIN_MS = 2_000;
/** Both ways. */
const LONGEST_JUMP_MS = 30_000;
/** Until a process that was killed or closed is replaced. */
const LONGEST_ABSENCE_MS = 3_000;

export class FaultInjector {
  readonly #simulation: Simulation;
  readonly #stopped = new Set<SimulatedProcess>();
  #over = false;
  #lives = 0;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  plan(withinMs: number): void {
    const { scenario, random } = this.#simulation;
    for (let index = 0; index < scenario.faultCount; index++) {
      const fault = random.pick(scenario.faults);
      this.#simulation.later(withinMs, () => this.#inject(fault));
    }
  }

  /** Everybody goes on, is connected, and is heard. */
  stop(): void {
    this.#over = true;
    const { network } = this.#simulation;
    for (const process of this.#stopped) this.#goOn(process);
    for (const process of this.#simulation.processes) {
      network.heal(process.id);
      this.#reconnect(process);
    }
  }

  #inject(fault: Fault): void {
    const { living, random, server, network, mishaps, recorder, keys } = this.#simulation;
    const process = random.pick(living);
    recorder.note(`${fault} (${process.id})`);
    switch (fault) {
      case "kill":
        this.#kill(process);
        return;
      case "stop":
        this.#stop(process);
        return;
      case "cut-inbox":
        mishaps.began("inbox", process.id);
        process.member.inbox.disconnect();
        this.#soon(LONGEST_CUT_MS, () => this.#reconnect(process));
        return;
      case "cut-off":
        network.cutOff(process.id);
        this.#soon(LONGEST_CUT_MS, () => network.heal(process.id));
        return;
      case "hang":
        network.hang(random.integer(LONGEST_HANG_MS));
        return;
      case "jump":
        server.jumpClock(Math.round((random.fraction() - 0.5) * 2 * LONGEST_JUMP_MS));
        return;
      case "lose-data":
        server.loseData();
        recorder.record(NOBODY, { ev: "fault", key: "", fault: "redis-lost-data" });
        return;
      case "forget": {
        const key = random.pick(keys);
        process.clock.whenRunning(() => process.forget(key));
        return;
      }
      case "close":
        this.#close(process);
    }
  }

  #kill(process: SimulatedProcess): void {
    const { living, server, mishaps, recorder } = this.#simulation;
    if (living.length === 1) return;
    process.alive = false;
    process.killed = true;
    process.clock.kill();
    server.killProcess(process.id);
    mishaps.began("stopped", process.id);
    recorder.record(NOBODY, { ev: "fault", key: "", fault: "killed", target: process.id });
    this.#replace(process);
  }

  #stop(process: SimulatedProcess): void {
    if (this.#stopped.has(process)) return;
    const { mishaps, recorder } = this.#simulation;
    this.#stopped.add(process);
    process.clock.pause();
    mishaps.began("stopped", process.id);
    recorder.record(NOBODY, { ev: "fault", key: "", fault: "paused", target: process.id });
    this.#soon(LONGEST_STOP_MS, () => this.#goOn(process));
  }

  #goOn(process: SimulatedProcess): void {
    // Dead ones stay dead.
    if (!this.#stopped.delete(process)) return;
    const { mishaps, recorder } = this.#simulation;
    mishaps.ended("stopped", process.id);
    recorder.record(NOBODY, { ev: "fault", key: "", fault: "resumed", target: process.id });
    process.clock.resume();
  }

  #close(process: SimulatedProcess): void {
    const { living, random } = this.#simulation;
    if (living.length === 1) return;
    const drainMs = random.integer(LONGEST_DRAIN_MS);
    process.clock.whenRunning(() => {
      // Another may have closed while this one was stopped.
      if (process.alive && this.#simulation.living.length > 1) background(process.close(drainMs));
    });
    this.#replace(process);
  }

  /** Another life with the same options. */
  #replace(process: SimulatedProcess): void {
    const { scenario, processes } = this.#simulation;
    const index = processes.indexOf(process);
    const plan = scenario.processes[index % scenario.processes.length];
    if (plan === undefined) return;
    this.#soon(LONGEST_ABSENCE_MS, () => this.#simulation.start(`r${++this.#lives}`, plan));
  }

  #reconnect(process: SimulatedProcess): void {
    this.#simulation.mishaps.ended("inbox", process.id);
    process.member.inbox.reconnect();
  }

  #soon(withinMs: number, action: () => void): void {
    this.#simulation.later(withinMs, () => {
      if (!this.#over) action();
    });
  }
}
