/**
 * What this process may do on its server: looked at when the connection is up for the first time, told by name, and, while
 * something is missing that nothing works without, looked at again and again. Until then nothing is asked of the server,
 * since a flight that can be joined but not settled would hold everybody up. Not promised: that a right which is taken
 * away later is noticed here; then commands are refused.
 */
import type { Clock, Timer } from "@skein/core";
import { background } from "@skein/core/internal";
import type { CapabilityOptions, CapabilityReport } from "./capabilities.ts";
import { probeCapabilities } from "./capabilities.ts";
import { isNotAdmitted, type Link } from "./connection.ts";

/** Rights are granted by people; nobody needs to hear of it sooner. */
const LOOK_AGAIN_MS = 2_000;

export interface RightsOptions {
  /** Resolves when the server can be asked for the first time, or never will. */
  readonly firstUp: Promise<void>;
  readonly commands: () => Link | undefined;
  readonly inbox: Link;
  readonly clock: Clock;
  readonly probe: CapabilityOptions;
  /** Told what is missing and what does harm, whenever that changes. */
  readonly onReport: (report: Pick<CapabilityReport, "missing" | "warnings">) => void;
}

export class Rights {
  readonly #options: RightsOptions;
  /** The first look has been taken; it never is if the server cannot be reached. */
  readonly probed: Promise<void>;
  #denied = false;
  #closed = false;
  #timer: Timer | undefined;
  /** The server did not let us in. */
  #refused = false;
  /** What was said last; at first, that all is well. */
  #told = JSON.stringify([[], []]);

  constructor(options: RightsOptions) {
    this.#options = options;
    this.probed = this.#begin();
    background(this.probed);
  }

  /** Something is missing that nothing works without. */
  get denied(): boolean {
    return this.#denied;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #begin(): Promise<void> {
    // Not for the inbox: the right to subscribe may be the one that is missing.
    await this.#options.firstUp;
    await this.#look();
  }

  async #look(): Promise<void> {
    const { inbox, clock, probe } = this.#options;
    const commands = this.#options.commands();
    if (commands === undefined || commands.state === "closed" || this.#closed) return;
    const report = await probeCapabilities(commands, inbox, probe);
    // What could not be found out says nothing: the answer before it stands.
    if (report.usable !== undefined) this.#denied = !report.usable;
    this.#tell(report.missing, report.warnings);
    if (!this.#denied || this.#closed) return;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(() => background(this.#look()), LOOK_AGAIN_MS, { unref: true });
  }

  /** A server that does not let us in never comes up, so nothing could be probed: say so. */
  onTrouble(code: string | undefined): void {
    if (code !== undefined && isNotAdmitted(code)) {
      this.#refused = true;
      this.#tell([`admission to the server, which says ${code}`], []);
    } else if (code === undefined && this.#refused) {
      this.#refused = false;
      background(this.#look());
    }
  }

  /** Once for each state of things, the good one after a bad one included. */
  #tell(missing: readonly string[], warnings: readonly string[]): void {
    const told = JSON.stringify([missing, warnings]);
    if (told === this.#told) return;
    this.#told = told;
    this.#options.onReport({ missing, warnings });
  }
}
