/**
 * Runs scripts by their digest, and sends their text when the server does not know them (after SCRIPT FLUSH, or when it
 * would not load them as the connection was made). Replies are binary safe. Not promised: that a script runs at most once per call of `run`; nothing is
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

/** How a runner reaches its server. */
export interface ScriptWire extends Pick<Link, "clock" | "send" | "failureOf"> {
  /** Sends what has to stand between two commands. */
  readonly between?: (redis: Redis) => void;
}

/** A script's text on its way to the server. */
interface Lesson {
  /** Never rejects. */
  readonly over: Promise<void>;
  /** On the clock's scale; Infinity while it is under way. */
  endedAt: number;
}

export class ScriptRunner {
  readonly #link: ScriptWire;
  /** The last text sent of each script, by digest: whoever finds it unknown meanwhile need not send it as well. */
  readonly #lessons = new Map<string, Lesson>();

  constructor(link: ScriptWire) {
    this.#link = link;
  }

  /** @throws CommandFailure, and nothing else. */
  run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
    timeoutMs: number,
  ): Promise<ScriptReply> {
    const call: ScriptCall = { script, keys, args };
    return this.#runTaught(script, timeoutMs, (command, leftMs) => this.#send(call, command, leftMs));
  }

  /** A plain GET and a script in one round trip; a value of another type is none. */
  async runAfterGet(
    key: string,
    call: ScriptCall,
    timeoutMs: number,
  ): Promise<{ readonly value: Buffer | undefined; readonly reply: ScriptReply }> {
    return this.#runTaught(call.script, timeoutMs, (command, leftMs) =>
      this.#link.send(async (redis) => {
        const asked = inOneWrite(redis, () => {
          const read = redis.getBuffer(key).catch(() => undefined);
          this.#link.between?.(redis);
          return [read, redis.callBuffer(command, argumentsOf(call, command))] as const;
        });
        const [value, reply] = await Promise.all(asked);
        return { value: value ?? undefined, reply: replyOf(reply) };
      }, leftMs),
    );
  }

  /** One pipeline, and further ones for scripts that the server does not know. An item that failed is a failure. */
  async runBatch(calls: readonly ScriptCall[], timeoutMs: number): Promise<(ScriptReply | CommandFailure)[]> {
    const sentAt = this.#link.clock.now();
    const dueAt = sentAt + timeoutMs;
    const results = await this.#sendBatch(calls, "evalsha", timeoutMs);
    const unknown = calls.filter((_call, index) => isUnknownScript(results[index]));
    const lessons = unknown.flatMap(({ script }) => this.#lessonSince(sentAt, script) ?? []);
    if (lessons.length > 0) {
      await this.#settledBy(Promise.all(lessons), dueAt);
      await this.#sendUnknown(calls, results, "evalsha", dueAt);
    }
    for (const words of RETRIES) await this.#sendUnknown(calls, results, words, dueAt);
    return results;
  }

  /** Sends those calls of a batch again whose script was unknown, and puts the answers into their places. */
  async #sendUnknown(
    calls: readonly ScriptCall[],
    results: (ScriptReply | CommandFailure)[],
    words: Words,
    dueAt: number,
  ): Promise<void> {
    const unknown = [...results.keys()].filter((index) => isUnknownScript(results[index]));
    if (unknown.length === 0) return;
    const again = unknown.flatMap((index) => calls[index] ?? []);
    const answered = this.#sendBatch(again, words, dueAt - this.#link.clock.now());
    if (words !== "evalsha") for (const { script } of again) this.#teaches(script, answered);
    const answers = await answered;
    for (const [position, index] of unknown.entries()) {
      const answer = answers[position];
      if (answer !== undefined) results[index] = answer;
    }
  }

  /** Sends a script by its digest; by its text if the server does not know it and nobody else is telling it. */
  async #runTaught<T>(
    script: Script,
    timeoutMs: number,
    send: (command: Command, leftMs: number) => Promise<T>,
  ): Promise<T> {
    const sentAt = this.#link.clock.now();
    const dueAt = sentAt + timeoutMs;
    const leftMs = (): number => {
      const left = dueAt - this.#link.clock.now();
      if (left <= 0) throw tooLate();
      return left;
    };
    try {
      return await send("evalsha", timeoutMs);
    } catch (error) {
      if (!isUnknownScript(error)) throw error;
    }
    const lesson = this.#lessonSince(sentAt, script);
    if (lesson !== undefined) {
      await this.#settledBy(lesson, dueAt);
      try {
        return await send("evalsha", leftMs());
      } catch (error) {
        // Forgotten again: no more detours.
        if (!isUnknownScript(error)) throw error;
      }
    }
    const taught = send("eval", leftMs());
    this.#teaches(script, taught);
    return taught;
  }

  /** `sending` brings the text of `script` to the server. */
  #teaches(script: Script, sending: Promise<unknown>): void {
    const end = (): void => {
      lesson.endedAt = this.#link.clock.now();
    };
    const lesson: Lesson = { over: sending.then(end, end), endedAt: Infinity };
    this.#lessons.set(script.sha1, lesson);
  }

  /** What may have brought the text of a script that was unknown to the server some time after `sentAt`. */
  #lessonSince(sentAt: number, script: Script): Promise<void> | undefined {
    const lesson = this.#lessons.get(script.sha1);
    return lesson === undefined || lesson.endedAt < sentAt ? undefined : lesson.over;
  }

  /** Resolves when `lesson`, which never rejects, is over, or the time is up. */
  async #settledBy(lesson: Promise<unknown>, dueAt: number): Promise<void> {
    const { clock } = this.#link;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimer(resolve, Math.max(0, dueAt - clock.now()));
    await Promise.race([lesson, late]);
    timer.cancel();
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

/**
 * Loads scripts as a connection is made, so that a burst of first calls meets a server that knows them. A user without
 * the right to SCRIPT LOAD does without: each text then comes with the first call that needs it.
 */
export async function loadScripts(redis: Redis, scripts: readonly Script[]): Promise<void> {
  const load = (script: Script): Promise<unknown> => redis.call("SCRIPT", "LOAD", script.text);
  const [first, ...others] = scripts;
  if (first === undefined) return;
  try {
    // One alone: a refusal is noted in the server's log, which need not fill with them.
    await load(first);
    await Promise.all(others.map(load));
  } catch {
    // Refused, or the connection is gone again.
  }
}

/** Commands that leave together. The client's pipelines do that as well, and take twice as long for it. */
function inOneWrite<T>(redis: Redis, send: () => T): T {
  const { stream } = redis;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
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

/**
 * The server did answer: that it does not know the script, which has changed nothing. Nothing more is under way, and that
 * no time is left for the text is not held against Redis.
 */
function tooLate(): CommandFailure {
  return new CommandFailure("timeout", { sent: false, loopDelayed: true });
}

function isUnknownScript(result: unknown): boolean {
  return result instanceof CommandFailure && result.serverCode === "NOSCRIPT";
}
