/** Processes that are members of several contenders' fleets, each fleet with a Redis of its own, so that nothing is mixed up. */
import { CommandTap, Flier, RedisServer } from "@skein/testkit";
import type { Redis } from "ioredis";
import { redisProcessorMs } from "../redis-account.ts";
import { FLEET_CONTENDERS } from "./contenders.ts";
import type { MemberConfig, Onset, Onslaught } from "./member-process.ts";
import { scriptBeside } from "../script.ts";

const SCRIPT = scriptBeside("member-process", import.meta.url);
/** Until every process has been told. */
const RUN_UP_MS = 40;

/** One round of one contender, all of its processes together. */
export interface Round {
  readonly latenciesMs: readonly number[];
  readonly executions: number;
  readonly failures: number;
  /** Processor time of Redis. */
  readonly redisMs: number;
}

export class Fleet implements AsyncDisposable {
  readonly members: readonly Flier[];
  readonly #servers: ReadonlyMap<string, RedisServer>;
  readonly #admins = new Map<string, Redis>();

  private constructor(members: readonly Flier[], servers: ReadonlyMap<string, RedisServer>) {
    this.members = members;
    this.#servers = servers;
  }

  static async start(
    processes: number,
    contenders: readonly string[] = FLEET_CONTENDERS.map(({ name }) => name),
  ): Promise<Fleet> {
    const servers = new Map<string, RedisServer>();
    const members: Flier[] = [];
    try {
      for (const contender of contenders) servers.set(contender, await RedisServer.start());
      const urls = Object.fromEntries([...servers].map(([contender, { url }]) => [contender, url]));
      for (let index = 0; index < processes; index++) {
        const config: MemberConfig = { name: `process ${index}`, servers: urls };
        members.push(await Flier.start(SCRIPT, config));
      }
      return new Fleet(members, servers);
    } catch (error) {
      await endAll(members, servers);
      throw error;
    }
  }

  server(contender: string): RedisServer {
    const server = this.#servers.get(contender);
    if (server === undefined) throw new RangeError(`No fleet of ${contender} was started.`);
    return server;
  }

  /** All processes call at the same moment. */
  async strike(plan: Omit<Onslaught, "beginsAt">): Promise<Round> {
    const admin = this.#admin(plan.contender);
    const before = await redisProcessorMs(admin);
    const beginsAt = Date.now() + RUN_UP_MS;
    const onsets = await Promise.all(
      this.members.map((member) => member.call<Onset>("onslaught", { ...plan, beginsAt })),
    );
    const redisMs = (await redisProcessorMs(admin)) - before;
    const sum = (of: (onset: Onset) => number): number =>
      onsets.reduce((total, onset) => total + of(onset), 0);
    const executions = sum((onset) => onset.executions);
    const values = new Set(onsets.flatMap((onset) => onset.values));
    if (values.size > executions) throw new Error(`${plan.contender} made values up.`);
    return {
      latenciesMs: onsets.flatMap((onset) => onset.latenciesMs),
      executions,
      failures: sum((onset) => onset.failures),
      redisMs,
    };
  }

  /** What the clients of a contender send in one round; that slows the server, so it is not timed. */
  async countCommands(plan: Omit<Onslaught, "beginsAt">): Promise<number> {
    await using tap = await CommandTap.open(this.server(plan.contender));
    const beginsAt = Date.now() + RUN_UP_MS;
    await Promise.all(this.members.map((member) => member.call<Onset>("onslaught", { ...plan, beginsAt })));
    await tap.flush();
    return tap.count().total;
  }

  #admin(contender: string): Redis {
    const admin = this.#admins.get(contender) ?? this.server(contender).client();
    this.#admins.set(contender, admin);
    return admin;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endAll(this.members, this.#servers);
  }
}

async function endAll(members: readonly Flier[], servers: ReadonlyMap<string, RedisServer>): Promise<void> {
  // Nobody says goodbye: some contenders take seconds for that.
  await Promise.all(members.map((member) => member.kill()));
  await Promise.all([...servers.values()].map((server) => server.stop()));
}
