/**
 * Runs scripts by their digest, and sends their text when the server does not know them (after a restart, a failover,
 * SCRIPT FLUSH). Replies are binary safe. Not promised: that a script runs at most once per call of `run`; nothing is
 * ever sent again after a lost reply, but callers of Skein's scripts may repeat them.
 */
import type { ChainableCommander, Redis } from "ioredis";
import { CommandFailure, type Link } from "./connection.ts";
import type { Script, ScriptCall } from "./define-script.ts";

export type { Script } from "./define-script.ts";

export type ScriptValue = Buffer | number | string | null | readonly ScriptValue[];
export type ScriptReply = readonly ScriptValue[];

/** A script is named by its digest, or by its text. */
type Command = "evalsha" | "eval";
/** "thrifty": in a batch the first call of a script brings the text, and the others rely on it. */
type Words = Command | "thrifty";

/** A batch may be large, so texts are saved; a server that keeps forgetting gets all of them at last. */
const RETRIES: readonly Words[] = ["thrifty", "eval"];

export class ScriptRunner {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** @throws CommandFailure, and nothing else. */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    timeoutMs: number,
  ): Promise<ScriptReply> {
    const call: ScriptCall = { script, keys, args };
    const dueAt = this.#link.clock.now() + timeoutMs;
    try {
      return await this.#send(call, "evalsha", timeoutMs);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
      const leftMs = dueAt - this.#link.clock.now();
      if (leftMs <= 0) throw tooLate();
      return this.#send(call, "eval", leftMs);
    }
  }

  /** A plain GET and a script in one round trip; a value of another type is none. */
  async runAfterGet(
    key: string,
    call: ScriptCall,
    timeoutMs: number,
  ): Promise<{ readonly value: Buffer | undefined; readonly reply: ScriptReply }> {
    const dueAt = this.#link.clock.now() + timeoutMs;
    let command: Command = "evalsha";
    for (let leftMs = timeoutMs; ; leftMs = dueAt - this.#link.clock.now()) {
      if (leftMs <= 0) throw tooLate();
      const replies = await this.#link.send(
        (redis) => redis.pipeline().getBuffer(key).callBuffer(command, argumentsOf(call, command)).exec(),
        leftMs,
      );
      const [[, value], [error, reply]] = [replies?.[0] ?? [], replies?.[1] ?? []];
      if (error === null || error === undefined) {
        return { value: Buffer.isBuffer(value) ? value : undefined, reply: replyOf(reply) };
      }
      const failure = this.#link.failureOf(error);
      if (!isUnknownScript(failure) || command === "eval") throw failure;
      command = "eval";
    }
  }

  /** One pipeline, and further ones for scripts that the server does not know. An item that failed is a failure. */
  async runBatch(calls: readonly ScriptCall[], timeoutMs: number): Promise<(ScriptReply | CommandFailure)[]> {
    const dueAt = this.#link.clock.now() + timeoutMs;
    const results = await this.#sendBatch(calls, "evalsha", timeoutMs);
    for (const words of RETRIES) {
      const unknown = [...results.keys()].filter((index) => isUnknownScript(results[index]));
      if (unknown.length === 0) break;
      const again = unknown.flatMap((index) => calls[index] ?? []);
      const answers = await this.#sendBatch(again, words, dueAt - this.#link.clock.now());
      for (const [position, index] of unknown.entries()) {
        const answer = answers[position];
        if (answer !== undefined) results[index] = answer;
      }
    }
    return results;
  }

  #send(call: ScriptCall, command: Command, timeoutMs: number): Promise<ScriptReply> {
    const args = argumentsOf(call, command);
    return this.#link.send(async (redis) => replyOf(await redis.callBuffer(command, args)), timeoutMs);
  }

  async #sendBatch(
    calls: readonly ScriptCall[],
    words: Words,
    timeoutMs: number,
  ): Promise<(ScriptReply | CommandFailure)[]> {
    try {
      if (timeoutMs <= 0) throw tooLate();
      const replies = await this.#link.send((redis) => pipelineOf(redis, calls, words).exec(), timeoutMs);
      return calls.map((_call, index) => {
        const [error, reply] = replies?.[index] ?? [null, null];
        return error === null || error === undefined ? replyOf(reply) : this.#link.failureOf(error);
      });
    } catch (error) {
      if (error instanceof CommandFailure) return calls.map(() => error);
      throw error;
    }
  }
}

function pipelineOf(redis: Redis, calls: readonly ScriptCall[], words: Words): ChainableCommander {
  const pipeline = redis.pipeline();
  const taught = new Set<string>();
  for (const call of calls) {
    const { sha1 } = call.script;
    const command = words === "thrifty" ? (taught.has(sha1) ? "evalsha" : "eval") : words;
    taught.add(sha1);
    pipeline.callBuffer(command, argumentsOf(call, command));
  }
  return pipeline;
}

function argumentsOf(call: ScriptCall, command: Command): (string | number | Buffer)[] {
  const { script, keys, args } = call;
  return [command === "eval" ? script.text : script.sha1, keys.length, ...keys, ...args];
}

/** Skein's scripts reply with lists; anything else becomes a list of one. */
function replyOf(reply: unknown): ScriptReply {
  return isList(reply) ? reply : [scalarOf(reply)];
}

function isList(reply: unknown): reply is ScriptReply {
  return Array.isArray(reply);
}

function scalarOf(reply: unknown): ScriptValue {
  return Buffer.isBuffer(reply) || typeof reply === "number" || typeof reply === "string" ? reply : null;
}

/** A script that the server did not know has changed nothing, and nothing more is under way. */
function tooLate(): CommandFailure {
  return new CommandFailure("timeout", { sent: false });
}

function isUnknownScript(result: unknown): boolean {
  return result instanceof CommandFailure && result.serverCode === "NOSCRIPT";
}
