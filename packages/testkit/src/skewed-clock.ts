/**
 * Lets the wall clock of a server jump while it runs, by a small library that is compiled here and preloaded into it. The
 * clocks of this process and of the machine stay as they are. Linux with a C compiler only; `available` says why not.
 */
import { execFile } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { endianness, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCE = fileURLToPath(new URL("../native/clock-shim.c", import.meta.url));
const SHIFT_BYTES = 8;

const execute = promisify(execFile);

export class SkewedClock implements AsyncDisposable {
  /** To be added to the environment of a server: `RedisServer.start({ env: clock.env })`. */
  readonly env: { readonly LD_PRELOAD: string; readonly SKEIN_CLOCK_SHIFT_FILE: string };
  readonly #directory: string;
  readonly #file: number;

  private constructor(directory: string, library: string, shiftFile: string) {
    this.#directory = directory;
    this.env = { LD_PRELOAD: library, SKEIN_CLOCK_SHIFT_FILE: shiftFile };
    this.#file = openSync(shiftFile, "r+");
  }

  /** True, or why there can be no skewed clock here and what would help. */
  static async available(): Promise<true | string> {
    if (process.platform !== "linux") return "A clock is skewed by LD_PRELOAD, which needs Linux.";
    try {
      const clock = await SkewedClock.create();
      await clock[Symbol.asyncDispose]();
      return true;
    } catch (error) {
      return `No library can be compiled here (apt-get install -y gcc libc6-dev): ${String(error)}`;
    }
  }

  /** A clock that is right for now. */
  static async create(): Promise<SkewedClock> {
    const directory = await mkdtemp(join(tmpdir(), "skein-clock-"));
    try {
      const library = join(directory, "clock-shim.so");
      await execute("cc", ["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-o", library, SOURCE]);
      const shiftFile = join(directory, "shift");
      await writeFile(shiftFile, Buffer.alloc(SHIFT_BYTES));
      return new SkewedClock(directory, library, shiftFile);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** From now on the server's clock differs from the machine's by so much; negative is behind. */
  shift(ms: number): void {
    const bytes = Buffer.alloc(SHIFT_BYTES);
    const us = BigInt(Math.round(ms * 1_000));
    if (endianness() === "LE") bytes.writeBigInt64LE(us);
    else bytes.writeBigInt64BE(us);
    writeSync(this.#file, bytes, 0, SHIFT_BYTES, 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    closeSync(this.#file);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
