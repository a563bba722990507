/**
 * One Redis server, or one node of a Redis Cluster, as this process knows it: the connection for commands, the scripts
 * that it has been taught, and what its clock says.
 */
import { background } from "@skein/core/internal";
import type { Redis } from "ioredis";
import { CommandFailure, Link, type ConnectionOptions } from "./connection.ts";
import type { ScriptCall } from "./define-script.ts";
import { flightScripts } from "./flight-scripts.ts";
import { text } from "./join-reply.ts";
import { loadScripts, ScriptRunner, type ScriptReply, type ScriptWire } from "./script-runner.ts";
import { ServerClock } from "./server-clock.ts";

export class Server {
  readonly link: Link;
  readonly clock: ServerClock;
  readonly #wire: ScriptWire;
  readonly #runner: ScriptRunner;

  constructor(link: Link, clock: ServerClock = new ServerClock(link.clock), wire: ScriptWire = link) {
    this.link = link;
    this.clock = clock;
    this.#wire = wire;
    this.#runner = new ScriptRunner(wire);
  }

  /** Starts to connect. The link comes up when the scripts are loaded and the clock has been read. */
  static open(connection: ConnectionOptions): Server {
    const clock = new ServerClock(connection.clock);
    const prepare = async (redis: Redis): Promise<void> => {
      await Promise.all([readClock(redis, clock, connection), loadScripts(redis, flightScripts)]);
    };
    return new Server(new Link(connection, "commands", prepare), clock);
  }

  /** The same node of a Redis Cluster, for a slot that is on its way to it: it refuses what does not say so. */
  asking(): Server {
    return new Server(this.link, this.clock, askingWire(this.link));
  }

  /** @throws CommandFailure, and nothing else. So do the others. */
  async run({ script, keys, args }: ScriptCall, timeoutMs: number): Promise<ScriptReply> {
    const sentAt = this.link.clock.now();
    return this.#learn(await this.#runner.run(script, keys, args, timeoutMs), sentAt);
  }

  /** A plain GET and a script in one round trip. */
  async runAfterGet(
    key: string,
    call: ScriptCall,
    timeoutMs: number,
  ): Promise<{ readonly value: Buffer | undefined; readonly reply: ScriptReply }> {
    const sentAt = this.link.clock.now();
    const { value, reply } = await this.#runner.runAfterGet(key, call, timeoutMs);
    return { value, reply: this.#learn(reply, sentAt) };
  }

  /** One pipeline. An item that failed is a failure. */
  async runBatch(calls: readonly ScriptCall[], timeoutMs: number): Promise<(ScriptReply | CommandFailure)[]> {
    const sentAt = this.link.clock.now();
    const replies = await this.#runner.runBatch(calls, timeoutMs);
    for (const reply of replies) if (!(reply instanceof CommandFailure)) this.#learn(reply, sentAt);
    return replies;
  }

  /** A plain GET; a value of another type is none. */
  async read(key: string, timeoutMs: number): Promise<Buffer | undefined> {
    try {
      return (await this.#wire.send((redis) => redis.getBuffer(key), timeoutMs)) ?? undefined;
    } catch (error) {
      if (error instanceof CommandFailure && error.serverCode === "WRONGTYPE") return undefined;
      throw error;
    }
  }

  /** Every reply of our scripts begins with a status and the server's time. */
  #learn(reply: ScriptReply, sentAt: number): ScriptReply {
    const [status, time] = reply;
    // The server held a deadline for past that was not: what we believed of its clock is wrong.
    if (text(status) === "STALE") this.clock.doubt();
    this.clock.learn(Number(text(time)), sentAt);
    return reply;
  }
}

/** ASKING holds for the next command only, so it goes before each. */
function askingWire(link: Link): ScriptWire {
  return {
    clock: link.clock,
    failureOf: (error) => link.failureOf(error),
    between: ask,
    send: (run, timeoutMs) =>
      link.send((redis) => {
        ask(redis);
        return run(redis);
      }, timeoutMs),
  };
}

function ask(redis: Redis): void {
  background(redis.asking().catch(() => undefined));
}

async function readClock(redis: Redis, clock: ServerClock, { clock: own }: ConnectionOptions): Promise<void> {
  const sentAt = own.now();
  try {
    const [seconds, microseconds] = await redis.time();
    // It may be another server by now. Until it has answered, what the one before said is the best that is known: what
    // is waiting to be signed, or arrives meanwhile, must not count as out of time.
    clock.doubt();
    clock.learn(Number(seconds) * 1_000_000 + Number(microseconds), sentAt);
  } catch {
    // Without the right to TIME the scripts fail as well; the probe says so by name.
  }
}
