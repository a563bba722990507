// The demo's entry, started by ./scripts/demo. Progress on stderr; the result, and nothing else, on stdout.

import { HELP, parseArguments, type Arguments } from "./arguments.ts";
import { runDemo, type DemoStory } from "./demo.ts";
import { messageOf } from "./message-of.ts";
import { narrate } from "./narration.ts";
import { progressOn } from "./progress.ts";
import { brokenPromises } from "./verdict.ts";

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

async function main(): Promise<number> {
  let args: Arguments;
  try {
    args = parseArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\nTry --help.\n`);
    return 2;
  }
  if (args.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const progress = progressOn(process.stderr);
  const interruption = interrupted();
  try {
    const story = await runDemo(process.env["REDIS_URL"], progress, interruption.signal);
    process.stdout.write(args.json ? json(story) : narrate(story));
    const broken = brokenPromises(story);
    for (const complaint of broken) process.stderr.write(`demo: ${complaint}\n`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    if (interruption.exitCode !== undefined) return interruption.exitCode;
    process.stderr.write(`demo: ${messageOf(error)}\n`);
    return 1;
  }
}

/** Exactly one object, in the documented shape. */
function json({ rounds, leaderKilled }: DemoStory): string {
  const result = { rounds: rounds.map(({ round }) => round), leaderKilled: leaderKilled.leaderKilled };
  return `${JSON.stringify(result)}\n`;
}

/** The first signal starts an orderly end, the second ends at once: the children see the channel close and follow. */
function interrupted(): { signal: AbortSignal; exitCode: number | undefined } {
  const controller = new AbortController();
  const interruption: { signal: AbortSignal; exitCode: number | undefined } = {
    signal: controller.signal,
    exitCode: undefined,
  };
  for (const [name, exitCode] of Object.entries(SIGNAL_EXIT_CODES)) {
    process.on(name, () => {
      if (interruption.exitCode !== undefined) process.exit(exitCode);
      interruption.exitCode = exitCode;
      process.stderr.write(`demo: ${name}, cleaning up\n`);
      controller.abort(new Error(`interrupted by ${name}`));
    });
  }
  return interruption;
}

process.exitCode = await main();
