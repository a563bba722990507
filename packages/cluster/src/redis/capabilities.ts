/**
 * Finds out at start what this user may not do on this server, and says so by name, since a right that is missing
 * otherwise shows as fallback forever. It writes nothing, or removes it within the same script. Not promised: that a
 * right seen is still there later. A report is a value; nothing is thrown at the application.
 */
import type { Transport } from "../coordinator.ts";
import type { Link } from "./connection.ts";
import { CommandFailure } from "./command-failure.ts";
import { refusalOf, type Refusal } from "./refusal.ts";
import {
  channelTrials,
  listTrials,
  pushTrials,
  scriptTrials,
  writingTrials,
  type Trial,
} from "./script-trials.ts";

export interface CapabilityOptions {
  /** A name in our key space. The probe works on a key of its own beside it. */
  readonly keySample: string;
  /** The inbox of this process: a channel or a list. The rights to the others of its kind are probed. */
  readonly inbox: string;
  readonly transport: Transport;
  readonly timeoutMs: number;
  /** On Redis Cluster: who keeps a key. The rights of one node stand for those of all. */
  readonly linkOf?: (key: string) => Link | undefined;
}

export interface CapabilityReport {
  /** Everything that Skein needs was seen to be there. */
  readonly ok: boolean;
  /** False when a right is missing that nothing works without; `undefined` when not everything could be found out. */
  readonly usable: boolean | undefined;
  /** Rights that are missing, in plain words. */
  readonly missing: readonly string[];
  /** What works but does harm, and what could not be found out. */
  readonly warnings: readonly string[];
  readonly server?: ServerFacts;
}

export interface ServerFacts {
  readonly name: string;
  readonly version: string;
  /** Redis Cluster mode is on. */
  readonly cluster: boolean;
  readonly replica: boolean;
}

/** Runs each line and returns its error, or "". One line per ARGV, as a JSON list of words. */
const PROBE_SCRIPT = `local errors = {}
for index, line in ipairs(ARGV) do
  local reply = redis.pcall(unpack(cjson.decode(line)))
  errors[index] = type(reply) == 'table' and reply.err or ''
end
return errors`;

/** No script has this digest. */
const UNKNOWN_DIGEST = "0".repeat(40);

const UNREACHED = "Redis was not reached, so nothing was probed";
const INTERRUPTED = "Redis stopped answering during the probe";

export async function probeCapabilities(
  commands: Link,
  inbox: Link,
  options: CapabilityOptions,
): Promise<CapabilityReport> {
  const probe = new Probe(commands, options);
  const deadline = commands.clock.now() + options.timeoutMs;
  await Promise.all([probe.run(deadline), probe.checkInbox(inbox, deadline)]);
  return probe.report();
}

class Probe {
  readonly #link: Link;
  readonly #options: CapabilityOptions;
  readonly #missing = new Set<string>();
  /** What is missing and slows down what it would speed up, no more. */
  readonly #dispensable = new Set<string>();
  readonly #warnings: string[] = [];
  #complete = true;
  #server: ServerFacts | undefined;

  constructor(link: Link, options: CapabilityOptions) {
    this.#link = link;
    this.#options = options;
  }

  async run(deadline: number): Promise<void> {
    if (!(await answered(this.#link, deadline))) {
      this.#giveUp(withReason(UNREACHED, this.#link.trouble));
      return;
    }
    try {
      await this.#checkScripts(deadline);
      await this.#checkServer(deadline);
      await this.#checkEviction(deadline);
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      this.#giveUp(withReason(INTERRUPTED, error.serverCode));
    }
  }

  async checkInbox(inbox: Link, deadline: number): Promise<void> {
    if (await answered(inbox, deadline)) return;
    if (inbox.trouble === "NOPERM") this.#missing.add(this.#inboxRight());
    else this.#giveUp(withReason("the inbox could not be opened", inbox.trouble));
  }

  report(): CapabilityReport {
    const missing = [...this.#missing];
    const report = {
      ok: this.#complete && missing.length === 0,
      usable: missing.some((name) => !this.#dispensable.has(name))
        ? false
        : this.#complete
          ? true
          : undefined,
      missing,
      warnings: this.#warnings,
    };
    return this.#server === undefined ? report : { ...report, server: this.#server };
  }

  async #checkScripts(deadline: number): Promise<void> {
    const { keySample, inbox, transport } = this.#options;
    const key = `${keySample}:probe`;
    const others = `${inbox}:probe`;
    const digest = await this.#ask(["EVALSHA", UNKNOWN_DIGEST, "1", key], deadline, key);
    if (digest === "command") this.#missing.add("EVALSHA (ACL: +evalsha)");
    const trials = [...scriptTrials(key), ...(transport === "p" ? channelTrials(others) : [])];
    const refused = await this.#try(trials, key, deadline);
    if (refused === undefined) return;
    if (["HDEL", "DEL", "PEXPIRE"].every((right) => refused.has(right))) {
      this.#giveUp("HSETNX inside scripts was not tried, since nothing could be removed again");
      return;
    }
    await this.#try(writingTrials(key), key, deadline);
    if (transport === "l") await this.#checkPushes(others, deadline);
  }

  async #checkPushes(list: string, deadline: number): Promise<void> {
    const refused = await this.#try(listTrials(list), list, deadline);
    if (refused === undefined) return;
    // Nothing is pushed that would stay.
    if (["LTRIM", "DEL", "PEXPIRE"].some((right) => !refused.has(right))) {
      await this.#try(pushTrials(list), list, deadline);
    }
  }

  /** The rights that were refused; `undefined` when scripts cannot be run at all. */
  async #try(
    trials: readonly Trial[],
    key: string,
    deadline: number,
  ): Promise<ReadonlySet<string> | undefined> {
    const lines = trials.map(({ words }) => JSON.stringify(words));
    const reply = await this.#ask(["EVAL", PROBE_SCRIPT, "1", key, ...lines], deadline, key);
    if (reply === "key") this.#missing.add(this.#keyRight(key));
    else if (reply === "command") this.#missing.add("EVAL (ACL: +eval)");
    if (!Array.isArray(reply)) return undefined;
    const refused = new Set<string>();
    for (const [index, { right }] of trials.entries()) {
      const refusal = refusalOf(String(reply[index]));
      if (refusal === undefined) continue;
      refused.add(right);
      const name = this.#nameOf(right, refusal, key);
      this.#missing.add(name);
      // Then a leader's death is seen by its beat or lease.
      if (right === "PUBSUB|NUMSUB" && refusal === "command") this.#dispensable.add(name);
    }
    return refused;
  }

  async #checkServer(deadline: number): Promise<void> {
    const hello = await this.#ask(["HELLO"], deadline);
    if (!Array.isArray(hello)) return;
    const fact = (name: string): string => String(hello[hello.indexOf(name) + 1] ?? "unknown");
    const replica = fact("role") === "replica" || fact("role") === "slave";
    const cluster = fact("mode") === "cluster";
    this.#server = { name: fact("server"), version: fact("version"), cluster, replica };
    if (replica) {
      const name = "writing: this server is a read-only replica";
      this.#missing.add(name);
      // The connection deals with that: it looks for the primary.
      this.#dispensable.add(name);
    }
    if (cluster && this.#options.linkOf === undefined) {
      this.#warnings.push(
        "this server is a node of a Redis Cluster: keys of other nodes are refused; use redis: { cluster: [nodes] }",
      );
    }
  }

  async #checkEviction(deadline: number): Promise<void> {
    const info = await this.#ask(["INFO", "memory"], deadline);
    let policy = typeof info === "string" ? /^maxmemory_policy:(\S+)/m.exec(info)?.[1] : undefined;
    if (policy === undefined) {
      const setting = await this.#ask(["CONFIG", "GET", "maxmemory-policy"], deadline);
      policy = Array.isArray(setting) && setting.length === 2 ? String(setting[1]) : undefined;
    }
    if (policy === undefined) {
      this.#warnings.push("the eviction policy is unknown: INFO and CONFIG GET are not allowed");
    } else if (policy !== "noeviction") {
      const harm = "a full server drops leases and outcomes, which costs duplicate work";
      this.#warnings.push(`the eviction policy is ${policy}: ${harm}; use noeviction`);
    }
  }

  /** The reply, or what kind of right was missing; `undefined` for any other error that the server answered with. */
  #ask(words: readonly [string, ...string[]], deadline: number, key?: string): Promise<unknown> {
    const [command, ...args] = words;
    const leftMs = Math.max(1, deadline - this.#link.clock.now());
    const { linkOf } = this.#options;
    const link = (key === undefined ? undefined : linkOf?.(key)) ?? this.#link;
    return link.send(async (redis) => {
      try {
        return await redis.call(command, args);
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "ReplyError") throw error;
        return refusalOf(error.message);
      }
    }, leftMs);
  }

  #nameOf(right: string, refusal: Refusal, key: string): string {
    if (refusal === "key") return this.#keyRight(key);
    if (refusal === "channel") return `PUBLISH to ${this.#channelRight()}`;
    return `${right.replace("|", " ")} inside scripts (ACL: +${right.toLowerCase()})`;
  }

  #keyRight(probed: string): string {
    const { keySample, inbox } = this.#options;
    const name = probed.startsWith(inbox) ? inbox : keySample;
    return `reading and writing keys such as ${name} (ACL: ~${familyOf(name)})`;
  }

  #channelRight(): string {
    const { inbox } = this.#options;
    return `channels such as ${inbox} (ACL: &${familyOf(inbox)})`;
  }

  #inboxRight(): string {
    const { inbox, transport } = this.#options;
    if (transport === "p") return `SUBSCRIBE to ${this.#channelRight()}`;
    return `BRPOP and RPOP on keys such as ${inbox} (ACL: +brpop +rpop ~${familyOf(inbox)})`;
  }

  #giveUp(warning: string): void {
    this.#complete = false;
    this.#warnings.push(warning);
  }
}

/** Resolves with true once the link is up, with false when it was refused a right or the deadline has passed. */
function answered(link: Link, deadline: number): Promise<boolean> {
  return new Promise((resolve) => {
    const { clock } = link;
    const conclude = (): void => {
      if (link.state !== "up" && link.state !== "closed" && link.trouble !== "NOPERM") return;
      timer.cancel();
      stop();
      resolve(link.state === "up");
    };
    const stop = link.onStateChange(conclude);
    const timer = clock.setTimer(
      () => {
        stop();
        resolve(link.state === "up");
      },
      Math.max(0, deadline - clock.now()),
    );
    conclude();
  });
}

/** The pattern that covers all our names like this one. */
function familyOf(name: string): string {
  return `${name.slice(0, name.indexOf(":") + 1)}*`;
}

function withReason(warning: string, code: string | undefined): string {
  return code === undefined ? warning : `${warning} (${code})`;
}
