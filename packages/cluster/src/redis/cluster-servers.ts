/**
 * The nodes of a Redis Cluster, each with a connection of its own that keeps what a connection promises: a command is
 * sent now, once, or fails. A command goes to the node that answers for its slot, and after a refusal (MOVED, ASK,
 * TRYAGAIN), which changed nothing, to where the node says, or again, within the time that its caller has. Not promised:
 * that one answer holds for several slots.
 */
import type { Breaker } from "../breaker.ts";
import { CommandFailure, type ConnectionOptions, type Link } from "./connection.ts";
import type { ClusterSource } from "./cluster-source.ts";
import type { ScriptCall } from "./define-script.ts";
import { hashSlot } from "./hash-slot.ts";
import { addressIn, NodeDirectory } from "./node-directory.ts";
import type { ScriptReply } from "./script-runner.ts";
import type { ServerBreakers } from "./server-breakers.ts";
import { Server } from "./server.ts";
import type { Attempt, Servers } from "./servers.ts";
import type { NodeName } from "./slot-map.ts";

/** So many refusals are followed at once; then there is a pause before each further one, doubled up to the longest. */
const HOPS_AT_ONCE = 3;
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 80;
/** A node that has no slots left is kept for a while: replies are under way, and slots come back. */
const LINGER_MS = 5_000;

export interface ClusterNode {
  readonly name: NodeName;
  readonly server: Server;
  readonly breaker: Breaker;
}

export interface ClusterServersOptions {
  readonly source: ClusterSource;
  readonly connection: Omit<ConnectionOptions, "source" | "nextAddress">;
  readonly breakers: ServerBreakers;
  /** Whether all nodes that answer for a slot can be reached; told when that changes. */
  readonly onReachable: (all: boolean) => void;
}

export class ClusterServers implements Servers {
  readonly seesListeners = false;
  readonly directory: NodeDirectory;
  readonly #options: ClusterServersOptions;
  readonly #nodes = new Map<NodeName, ClusterNode>();
  readonly #closing = new Set<Promise<void>>();
  /** What `onReachable` was told last. */
  #told: boolean | undefined;
  #closed = false;

  /** Starts to connect. */
  constructor(options: ClusterServersOptions) {
    this.#options = options;
    const { source, connection } = options;
    this.directory = new NodeDirectory({
      source,
      connection,
      linksUp: () => this.links().filter(isUp),
      amiss: () => !this.reachable,
      onChange: () => this.#meetPrimaries(),
    });
  }

  /** All nodes that answer for a slot can be asked. */
  get reachable(): boolean {
    if (!this.directory.known) return false;
    return [...this.directory.primaries()].every((name) => {
      const node = this.#nodes.get(name);
      return node !== undefined && isUp(node.server.link);
    });
  }

  links(): readonly Link[] {
    return Array.from(this.#nodes.values(), ({ server }) => server.link);
  }

  /** The node that answers for the slot of `key`, as far as is known. */
  nodeOf(key: string): ClusterNode | undefined {
    const name = this.directory.at(hashSlot(key));
    return name === undefined || this.#closed ? undefined : this.#node(name);
  }

  of(key: string): Server | undefined {
    return this.nodeOf(key)?.server;
  }

  /** True once the node that answers for `key` can be asked; false at the deadline, or earlier when it is hopeless. */
  async whenUp(key: string, deadline: number): Promise<boolean> {
    if (!(await this.directory.whenKnown(deadline))) return false;
    return (await this.of(key)?.link.whenUp(deadline)) ?? false;
  }

  async ask<T>(key: string, timeoutMs: number, attempt: Attempt<T>): Promise<T> {
    const { clock } = this.#options.connection;
    const dueAt = clock.now() + timeoutMs;
    let importing: Server | undefined;
    let pauseMs = FIRST_PAUSE_MS;
    for (let hops = 1; ; hops++) {
      const server = importing ?? this.of(key);
      if (server === undefined || !isUp(server.link)) {
        const up = importing === undefined ? this.whenUp(key, dueAt) : importing.link.whenUp(dueAt);
        if (!(await up)) throw new CommandFailure("unavailable", { sent: false });
        // It may have become another one meanwhile.
        if (server === undefined) continue;
      }
      try {
        return await attempt(server, Math.max(1, dueAt - clock.now()));
      } catch (error) {
        if (!(error instanceof CommandFailure) || !isElsewhere(error)) throw error;
        importing = this.#follow(error, server);
        const pauses = error.redirection === undefined || hops > HOPS_AT_ONCE;
        if (clock.now() + (pauses ? pauseMs : 0) >= dueAt) throw error;
        if (!pauses) continue;
        await this.#pause(pauseMs);
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2);
      }
    }
  }

  async runBatch(
    calls: readonly ScriptCall[],
    timeoutMs: number,
  ): Promise<readonly (ScriptReply | CommandFailure)[]> {
    const results: (ScriptReply | CommandFailure)[] = [];
    const byServer = new Map<Server | undefined, number[]>();
    for (const [index, { keys }] of calls.entries()) {
      const server = this.of(keys[0] ?? "");
      byServer.set(server, [...(byServer.get(server) ?? []), index]);
    }
    await Promise.all(
      Array.from(byServer, async ([server, indices]) => {
        const batch = indices.flatMap((index) => calls[index] ?? []);
        const replies = await this.#runAt(server, batch, timeoutMs);
        for (const [position, index] of indices.entries()) {
          results[index] = replies[position] ?? new CommandFailure("unavailable", { sent: false });
        }
      }),
    );
    return results;
  }

  /** There is reason to think that Redis is back. */
  probeNow(): void {
    for (const { breaker } of this.#nodes.values()) breaker.probeNow();
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const node of this.#nodes.values()) this.#dismiss(node);
    await Promise.all([this.directory.close(), ...this.#closing]);
  }

  /** What one server does not have is asked for one by one, where it is. */
  async #runAt(
    server: Server | undefined,
    calls: readonly ScriptCall[],
    timeoutMs: number,
  ): Promise<(ScriptReply | CommandFailure)[]> {
    const { clock } = this.#options.connection;
    const dueAt = clock.now() + timeoutMs;
    if (server === undefined) return calls.map(() => new CommandFailure("unavailable", { sent: false }));
    const replies = await server.runBatch(calls, timeoutMs);
    return Promise.all(
      replies.map(async (reply, index) => {
        const call = calls[index];
        if (!(reply instanceof CommandFailure) || !isElsewhere(reply) || call === undefined) return reply;
        this.#follow(reply, server);
        try {
          const leftMs = Math.max(1, dueAt - clock.now());
          return await this.ask(call.keys[0] ?? "", leftMs, (other, left) => other.run(call, left));
        } catch (error) {
          if (error instanceof CommandFailure) return error;
          throw error;
        }
      }),
    );
  }

  /** Takes note of where a node sends us. @returns the server to be asked this once, if the slot is not there yet. */
  #follow({ redirection }: CommandFailure, from: Server): Server | undefined {
    if (redirection === undefined) return undefined;
    const name = this.directory.placeOf(redirection, from.link.redis.options.host ?? "127.0.0.1");
    if (redirection.kind === "ask") return this.#node(name).server.asking();
    this.directory.learn(redirection.slot, name);
    return undefined;
  }

  #node(name: NodeName): ClusterNode {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const { source, connection, breakers } = this.#options;
    const server = Server.open({ ...connection, source: { ...source.nodeOptions, ...addressIn(name) } });
    const breaker = breakers.create(
      (key) => this.directory.at(hashSlot(key)) === name,
      () => server.link.state === "up",
    );
    const node = { name, server, breaker };
    this.#nodes.set(name, node);
    server.link.onStateChange((state) => {
      // A connection that came back is the best moment to look again.
      if (state === "up") breaker.probeNow();
      if (state === "down") this.directory.refresh();
      this.#tell();
    });
    return node;
  }

  /** Connects to whoever has slots, and lets go of whoever has none any more. */
  #meetPrimaries(): void {
    if (this.#closed) return;
    const primaries = this.directory.primaries();
    for (const name of primaries) this.#node(name);
    for (const node of this.#nodes.values()) {
      if (!primaries.has(node.name)) this.#dismissLater(node);
    }
    this.#tell();
  }

  #dismissLater(node: ClusterNode): void {
    const { clock } = this.#options.connection;
    clock.setTimer(
      () => {
        if (!this.directory.primaries().has(node.name)) this.#dismiss(node);
      },
      LINGER_MS,
      { unref: true },
    );
  }

  #dismiss(node: ClusterNode): void {
    if (!this.#nodes.delete(node.name)) return;
    this.#options.breakers.close(node.breaker);
    const closed = node.server.link.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
  }

  #tell(): void {
    if (this.#closed) return;
    const all = this.reachable;
    const lost = this.links().some(({ state }) => state === "down");
    // Neither, as long as connections are being made for the first time.
    if (all === this.#told || (!all && !lost)) return;
    this.#told = all;
    this.#options.onReachable(all);
  }

  async #pause(ms: number): Promise<void> {
    const { clock, randomness } = this.#options.connection;
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.setTimer(resolve, ms * (0.5 + randomness.fraction() / 2));
    await promise;
  }
}

/** The node has done nothing, since the slot is another's, or on its way. */
function isElsewhere(failure: CommandFailure): boolean {
  return failure.redirection !== undefined || failure.serverCode === "TRYAGAIN";
}

function isUp(link: Link): boolean {
  return link.state === "up";
}
