/**
 * Finds out which nodes a Redis Cluster has, and who answers for which slot: from a node that is connected, or else from
 * one of those that the application named. It asks when it knows nothing, when a node is away, and when a node has sent
 * somebody elsewhere; a quiet cluster is not asked. Not promised: that what it knows is still so.
 */
import type { Clock, Randomness, Timer } from "@skein/core";
import { background } from "@skein/core/internal";
import type { NodeAddress } from "./connection-profile.ts";
import type { ClusterSource } from "./cluster-source.ts";
import { Link, type ConnectionOptions } from "./connection.ts";
import type { Redirection } from "./redirection.ts";
import { Patience } from "./patience.ts";
import { SlotMap, type NodeName } from "./slot-map.ts";

/** Between two questions, while something is amiss; doubled up to the longest. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
const ANSWER_WITHIN_MS = 1_000;

export interface NodeDirectoryOptions {
  readonly source: ClusterSource;
  readonly connection: Omit<ConnectionOptions, "source" | "nextAddress">;
  /** Connections to nodes that are up. */
  readonly linksUp: () => readonly Link[];
  /** Some node that answers for a slot cannot be reached. */
  readonly amiss: () => boolean;
  readonly onChange: () => void;
}

export class NodeDirectory {
  readonly #options: NodeDirectoryOptions;
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #map = new SlotMap();
  readonly #patience: Patience;
  #scout: Link | undefined;
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #asking = false;
  #closed = false;

  /** Starts to ask. */
  constructor(options: NodeDirectoryOptions) {
    this.#options = options;
    const { clock, randomness, redisTimeoutMs } = options.connection;
    this.#clock = clock;
    this.#randomness = randomness;
    this.#patience = new Patience(clock, redisTimeoutMs);
    this.#patience.begin();
    this.refresh();
  }

  /** It was never found out, for longer than a call may wait for it. */
  get hopeless(): boolean {
    return this.#patience.exhausted;
  }

  get known(): boolean {
    return this.#map.known;
  }

  at(slot: number): NodeName | undefined {
    return this.#map.at(slot);
  }

  primaries(): ReadonlySet<NodeName> {
    return this.#map.primaries();
  }

  /** True once the nodes are known; false at the deadline (on the clock's scale), or when it takes too long. */
  whenKnown(deadline: number): Promise<boolean> {
    return this.#map.known ? Promise.resolve(true) : this.#patience.wait(deadline);
  }

  /** Where a node sends us. `askedHost`: of that node. */
  placeOf({ host, port }: Redirection, askedHost: string): NodeName {
    return this.#nameOf(host === "" ? askedHost : host, port);
  }

  /** A node says that another answers for this slot; then there may be more news. */
  learn(slot: number, name: NodeName): void {
    if (this.#map.at(slot) === name) return;
    this.#map.learn(slot, name);
    this.#options.onChange();
    this.refresh();
  }

  /** Asks soon. */
  refresh(): void {
    if (this.#closed || this.#asking || this.#timer !== undefined) return;
    this.#pauseMs = FIRST_PAUSE_MS;
    background(this.#ask());
  }

  /** A primary to connect to, other than that one if there is a choice; one that the application named, as long as none is known. */
  anyAddress(other?: NodeAddress): NodeAddress {
    const known = [...this.#map.primaries()].map(addressIn);
    const candidates = known.length > 0 ? known : this.#options.source.seeds;
    const others = candidates.filter(({ host, port }) => host !== other?.host || port !== other.port);
    const choice = others.length > 0 ? others : candidates;
    const address = choice[Math.floor(this.#randomness.fraction() * choice.length)];
    if (address === undefined) throw new RangeError("a cluster without nodes");
    return address;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#patience.end(false);
    await this.#scout?.close();
  }

  async #ask(): Promise<void> {
    const links = this.#options.linksUp();
    const link = links[Math.floor(this.#randomness.fraction() * links.length)];
    if (link === undefined) {
      this.#sendScout();
      return;
    }
    this.#asking = true;
    try {
      this.#take(await link.send((redis) => redis.cluster("SLOTS"), ANSWER_WITHIN_MS), link);
    } catch {
      // Another one may know, next time.
    }
    this.#asking = false;
    if (this.#map.known && !this.#map.hasGaps && !this.#options.amiss()) this.#pauseMs = FIRST_PAUSE_MS;
    else this.#askLater();
  }

  #askLater(): void {
    if (this.#closed) return;
    const delayMs = this.#pauseMs * (0.5 + this.#randomness.fraction());
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = undefined;
        background(this.#ask());
      },
      delayMs,
      { unref: true },
    );
  }

  /** Goes from one known or named node to the next until one tells. */
  #sendScout(): void {
    if (this.#scout !== undefined || this.#closed) return;
    const { connection, source } = this.#options;
    let last = this.anyAddress();
    const options: ConnectionOptions = {
      ...connection,
      source: { ...source.nodeOptions, ...last },
      nextAddress: () => (last = this.#scoutsNext(last)),
    };
    const scout = new Link(options, "commands", async (redis) => {
      if (!this.#take(await redis.cluster("SLOTS"), scout)) throw new Error("not a node of a cluster");
    });
    this.#scout = scout;
    scout.onStateChange((state) => {
      if (state !== "up") return;
      this.#scout = undefined;
      background(scout.close());
    });
  }

  /** All known nodes may have gone: those that the application named get their turn. */
  #scoutsNext(last: NodeAddress): NodeAddress {
    const { seeds } = this.#options.source;
    const seed = seeds[Math.floor(this.#randomness.fraction() * seeds.length)];
    return this.#randomness.fraction() < 0.5 && seed !== undefined ? seed : this.anyAddress(last);
  }

  #take(reply: unknown, from: Link): boolean {
    const askedHost = from.redis.options.host ?? "127.0.0.1";
    if (!this.#map.take(reply, askedHost, (host, port) => this.#nameOf(host, port))) return false;
    this.#patience.end(true);
    this.#options.onChange();
    return true;
  }

  #nameOf(host: string, port: number): NodeName {
    const address = this.#options.source.translate({ host, port });
    return `${address.host}:${address.port}`;
  }
}

export function addressIn(name: NodeName): NodeAddress {
  const colon = name.lastIndexOf(":");
  return { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}
