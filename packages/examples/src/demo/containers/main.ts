// The demo on containers, started by ./scripts/demo --docker. Progress on stderr; the result on stdout.

import { messageOf } from "../message-of.ts";
import { progressOn } from "../progress.ts";
import { Deployment } from "./deployment.ts";
import type { Episode } from "./episode.ts";
import { killLeaderContainer } from "./leader-kill.ts";
import { playStampedes } from "./stampedes.ts";
import {
  cutReplicaOff,
  pauseRedis,
  RATE_PER_SECOND,
  REDIS_TIMEOUT_MS,
  REPORT_TTL_MS,
  restartAll,
} from "./under-load.ts";

const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const ENVIRONMENT = { REPORT_TTL_MS: String(REPORT_TTL_MS), REDIS_TIMEOUT_MS: String(REDIS_TIMEOUT_MS) };

async function play(deployment: Deployment, step: (text: string) => void): Promise<readonly Episode[]> {
  step("Starting Redis, Postgres, Prometheus and four replicas; stampedes, three ways of coalescing.");
  const episodes = [...(await playStampedes(deployment, ENVIRONMENT))];
  step("docker kill of the leader.");
  episodes.push(await killLeaderContainer(deployment));
  // The reports of the hot keys are light: without Redis nothing is kept, and one machine plays all of it.
  await deployment.up({ ...ENVIRONMENT, REPORT_ROWS: "2000" });
  for (const [what, episode] of [
    ["docker pause of Redis for 10 s", pauseRedis],
    ["docker network disconnect of a replica", cutReplicaOff],
    ["rolling restart of all replicas", restartAll],
  ] as const) {
    step(`${RATE_PER_SECOND} requests per second, and ${what}.`);
    episodes.push(await episode(deployment));
  }
  return episodes;
}

function tell({ name, figures }: Episode): string {
  const told = Object.entries(figures).map(([figure, value]) => `  ${figure.padEnd(32)} ${value}`);
  return [name, ...told, ""].join("\n");
}

async function main(): Promise<number> {
  const progress = progressOn(process.stderr);
  const deployment = await Deployment.create();
  const taken = deployment[Symbol.asyncDispose].bind(deployment);
  for (const [name, code] of Object.entries(SIGNAL_EXIT_CODES)) {
    process.once(name, () => {
      progress.step(`${name}, taking the deployment down`);
      taken().then(
        () => process.exit(code),
        () => process.exit(code),
      );
    });
  }
  try {
    const episodes = await play(deployment, (text) => progress.step(text));
    const asJson = process.argv.includes("--json");
    process.stdout.write(
      asJson
        ? `${JSON.stringify(episodes.map(({ name, figures }) => ({ name, ...figures })))}\n`
        : `\n${episodes.map(tell).join("\n")}`,
    );
    const broken = episodes.flatMap((episode) => episode.broken);
    for (const complaint of broken) process.stderr.write(`demo: ${complaint}\n`);
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`demo: ${messageOf(error)}\n`);
    return 1;
  } finally {
    progress.step("Taking the deployment down.");
    await taken();
  }
}

process.exitCode = await main();
