/**
 * The lock under which one process at a time is made leader of a key on all servers, by the package `redlock`. Version 4
 * of it: the later ones are betas whose types cannot be resolved under `nodenext`, and that throw when a lock has ended
 * before it is released. Held for the moment of an election only; leadership is kept by our own leases.
 *
 * What redlock asks goes over our connections, within a time limit: by itself it waits for every server. Not promised:
 * exclusion beyond what the servers' clocks and the lock's time allow; an election needs a majority of leases besides.
 */
import { createHash } from "node:crypto";
import { background } from "@skein/core/internal";
import Redlock from "redlock";
import { CommandFailure } from "../redis/command-failure.ts";
import type { FlightName } from "../flight-keys.ts";
import type { QuorumNode } from "./quorum-node.ts";

type Callback = (error: Error | null, result?: unknown) => void;
type Arguments = readonly (string | number)[];

/** What redlock expects of a server that has let go of one key. */
const RELEASED = 1;
const UNKNOWN_SCRIPT = "NOSCRIPT";

export interface ElectionLockOptions {
  readonly nodes: readonly QuorumNode[];
  /** For one question to one server, ms. */
  readonly timeoutMs: number;
}

export class ElectionLock {
  readonly #redlock: Redlock;

  constructor({ nodes, timeoutMs }: ElectionLockOptions) {
    let release = "";
    const isRelease = (words: string): boolean => words === release || words === sha1(release);
    // Tried once: whoever loses follows, or comes again.
    this.#redlock = new Redlock(
      nodes.map((node) => voterOf(node, timeoutMs, isRelease)),
      { retryCount: 0, unlockScript: (text) => (release = text) },
    );
    // A server that does not answer is a vote that is missing, and nobody's error.
    this.#redlock.on("clientError", () => undefined);
  }

  /** Runs `election` under the lock; `undefined` when a majority did not grant it. */
  async during<T>(
    { lockKey }: FlightName,
    ttlMs: number,
    election: () => Promise<T>,
  ): Promise<T | undefined> {
    let lock: Redlock.Lock;
    try {
      lock = await this.#redlock.lock(lockKey, ttlMs);
    } catch {
      return undefined;
    }
    try {
      return await election();
    } finally {
      background(Promise.resolve(lock.unlock()));
    }
  }
}

/** What redlock knows of a client: it calls back with a number, or with an error. */
function voterOf(
  node: QuorumNode,
  timeoutMs: number,
  isRelease: (script: string) => boolean,
): Redlock.CompatibleRedisClient & { evalsha: unknown } {
  const ask = (command: "EVAL" | "EVALSHA", words: Arguments, callback: Callback): void => {
    const releases = isRelease(String(words[0]));
    background(
      node.ask(command, words, timeoutMs).then(
        (result) => callback(null, releases ? RELEASED : result),
        (error: unknown) => {
          const failure = asReplyError(error);
          // A lock that could not be released ends by itself. Redlock would let that end the process, as a rejection
          // that nobody can handle, when it gives back what a lost election left.
          if (releases && failure.message !== UNKNOWN_SCRIPT) callback(null, RELEASED);
          else callback(failure);
        },
      ),
    );
  };
  return {
    eval: (words: Arguments, callback: Callback) => ask("EVAL", words, callback),
    evalsha: (digest: string, words: Arguments, callback: Callback) =>
      ask("EVALSHA", [digest, ...words], callback),
  };
}

/** Redlock sends a script's text when the message begins so. */
function asReplyError(error: unknown): Error {
  const code = error instanceof CommandFailure ? error.serverCode : undefined;
  return new Error(code ?? "no answer");
}

function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
