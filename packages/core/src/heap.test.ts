import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

interface Left {
  answered: number;
  grownBytes: number;
  watched: number;
  alive: number;
  size: number;
}

const KEYS = 1_000_000;
/** A million entries of anything are more: a promise alone has 40 bytes. */
const MAX_GROWN_BYTES = 8_000_000;

async function left(coalescer: "sound" | "leaky", keys: number): Promise<Left> {
  const child = fileURLToPath(new URL("../test/heap-child.ts", import.meta.url));
  const argv = ["--expose-gc", child, coalescer, String(keys)];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 500_000 });
  return JSON.parse(stdout) as Left;
}

function retainsNothing({ grownBytes, alive, size }: Left): boolean {
  return grownBytes < MAX_GROWN_BYTES && alive === 0 && size === 0;
}

test("a million keys, in all the ways in which a flight can end, leave nothing behind", async () => {
  const sound = await left("sound", KEYS);
  expect(sound.answered).toBeGreaterThan(KEYS);
  expect(sound.watched).toBeGreaterThan(2_000);
  expect(sound, "what is left").toSatisfy(retainsNothing);
}, 600_000);

test("a coalescer that keeps its entries fails the same check with a fifth of the keys", async () => {
  const leaky = await left("leaky", KEYS / 5);
  expect(leaky.grownBytes).toBeGreaterThan(MAX_GROWN_BYTES * 5);
  expect(leaky.alive).toBeGreaterThan(100);
  expect(retainsNothing(leaky)).toBe(false);
}, 600_000);
