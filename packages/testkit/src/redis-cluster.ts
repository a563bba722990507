/** A Redis Cluster on this machine: some primaries, with replicas if wanted, whose slots a test can move under way. */
import { Cluster, type Redis } from "ioredis";
import { RedisServer } from "./redis-server.ts";
import { waitUntil } from "./wait-until.ts";

const SLOTS = 16_384;
const MAX_MIGRATE_MS = 5_000;

export interface RedisClusterOptions {
  /** How many primaries; default 3. */
  nodes?: number;
  /** How many replicas each of them has; default 0. */
  replicas?: number;
  /** A node that has not answered for so long counts as failed, and its replica takes its place; default 2_000. */
  nodeTimeoutMs?: number;
  /** Further arguments of each. */
  args?: readonly string[];
}

export class RedisCluster implements AsyncDisposable {
  /** Primaries at first. */
  readonly nodes: readonly RedisServer[];
  readonly replicas: readonly RedisServer[];
  readonly #admins = new Map<RedisServer, Redis>();
  readonly #ids = new Map<RedisServer, string>();
  readonly #clients = new Set<Cluster>();

  private constructor(nodes: readonly RedisServer[], replicas: readonly RedisServer[]) {
    this.nodes = nodes;
    this.replicas = replicas;
  }

  /** Resolves when every node knows every other and answers for its share of the slots. */
  static async start(options: RedisClusterOptions = {}): Promise<RedisCluster> {
    const { nodes = 3, replicas = 0, nodeTimeoutMs = 2_000, args = [] } = options;
    const mode = ["--cluster-enabled", "yes", "--cluster-node-timeout", String(nodeTimeoutMs)];
    // A replica need not be fresh to be elected: nothing here waits for a lost link.
    const ours = [...mode, "--cluster-replica-validity-factor", "0", ...args];
    const starts = await Promise.allSettled(
      Array.from({ length: nodes * (1 + replicas) }, () => RedisServer.start({ args: ours })),
    );
    const servers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const cluster = new RedisCluster(servers.slice(0, nodes), servers.slice(nodes));
    try {
      for (const start of starts) if (start.status === "rejected") throw start.reason;
      await cluster.#join();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Primaries and replicas. */
  get servers(): readonly RedisServer[] {
    return [...this.nodes, ...this.replicas];
  }

  /** A client of the whole cluster with ioredis's defaults, disconnected by `stop`. */
  client(): Cluster {
    const client = new Cluster(this.nodes.map(({ host, port }) => ({ host, port })));
    client.on("error", () => undefined);
    this.#clients.add(client);
    return client;
  }

  slotOf(key: string): Promise<number> {
    return this.#anyAdmin().cluster("KEYSLOT", key);
  }

  /**
   * The node that answers for the key now, as that node itself sees it: after a slot has moved, a late message of its
   * former node can make others believe the former for a while.
   */
  async nodeOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    const running = this.servers.filter(({ isRunning }) => isRunning);
    const owner = async (): Promise<RedisServer | undefined> => {
      const owns = await Promise.all(running.map((node) => this.#owns(node, slot)));
      const owners = running.filter((_, index) => owns[index]);
      return owners.length === 1 ? owners[0] : undefined;
    };
    return waitUntil(owner, { timeoutMs: 30_000, what: `one node to answer for slot ${slot}` });
  }

  /** Begins to move the key's slot: from now on its node answers ASK for keys that it does not have. */
  async beginMigration(key: string, to: RedisServer): Promise<SlotMigration> {
    const [slot, from] = await Promise.all([this.slotOf(key), this.nodeOf(key)]);
    if (from === to) throw new RangeError(`The node on port ${to.port} has slot ${slot} already.`);
    await this.#admin(to).cluster("SETSLOT", slot, "IMPORTING", this.#id(from));
    await this.#admin(from).cluster("SETSLOT", slot, "MIGRATING", this.#id(to));
    const moveKeys = async (...keys: readonly string[]): Promise<void> => {
      const { host, port } = to;
      await this.#admin(from).call("MIGRATE", host, port, "", 0, MAX_MIGRATE_MS, "KEYS", ...keys);
    };
    return {
      slot,
      from,
      to,
      moveKeys,
      finish: async () => {
        const left = await this.#admin(from).cluster("GETKEYSINSLOT", slot, 1_000_000);
        if (left.length > 0) await moveKeys(...left);
        await this.#untilUpToDate(to);
        // The new node first: in between, both send clients to each other instead of nowhere.
        const others = this.servers.filter((node) => node !== to && node !== from && node.isRunning);
        for (const node of [to, from, ...others]) {
          // Replicas refuse it, and hear of it from their primaries.
          const [role] = await this.#admin(node).role();
          if (role === "master") await this.#admin(node).cluster("SETSLOT", slot, "NODE", this.#id(to));
        }
      },
    };
  }

  /** A replica takes its primary's place, which becomes its replica; everybody lives. Resolves when all know. */
  async failOver(replica: RedisServer): Promise<void> {
    const admin = this.#admin(replica);
    await waitUntil(async () => (await admin.info("replication")).includes("master_link_status:up"), {
      timeoutMs: 30_000,
      what: `the server on port ${replica.port} to follow its primary`,
    });
    await admin.cluster("FAILOVER");
    await this.untilPrimary(replica);
  }

  /** Waits until every running server holds this one for a primary with slots. */
  async untilPrimary(server: RedisServer): Promise<void> {
    await waitUntil(
      async () => {
        const views = await Promise.all(
          this.servers.filter(({ isRunning }) => isRunning).map((one) => this.#admin(one).cluster("SLOTS")),
        );
        return views.every((ranges) =>
          ranges.some(
            (range) => (range as unknown as [number, number, [string, number]])[2][1] === server.port,
          ),
        );
      },
      { timeoutMs: 60_000, everyMs: 50, what: `the server on port ${server.port} to be a primary` },
    );
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.disconnect();
    await Promise.all(this.servers.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #join(): Promise<void> {
    for (const [index, node] of this.servers.entries()) {
      const admin = this.#admin(node);
      this.#ids.set(node, await admin.cluster("MYID"));
      await admin.cluster("SET-CONFIG-EPOCH", index + 1);
      if (index >= this.nodes.length) continue;
      const share = Array.from({ length: SLOTS }, (_, slot) => slot).filter(
        (slot) => Math.floor((slot * this.nodes.length) / SLOTS) === index,
      );
      await admin.cluster("ADDSLOTS", ...share);
    }
    for (const node of this.servers) await this.#anyAdmin().cluster("MEET", node.host, node.port);
    await this.#agreed();
    for (const [index, replica] of this.replicas.entries()) {
      const primary = this.nodes[index % this.nodes.length];
      if (primary !== undefined) await this.#admin(replica).cluster("REPLICATE", this.#id(primary));
    }
    if (this.replicas.length > 0) await this.#replicated();
  }

  async #agreed(): Promise<void> {
    await waitUntil(
      async () => {
        const states = await Promise.all(this.servers.map((node) => this.#admin(node).cluster("INFO")));
        const known = `cluster_known_nodes:${this.servers.length}\r\n`;
        return states.every((state) => state.includes("cluster_state:ok") && state.includes(known));
      },
      { timeoutMs: 30_000, everyMs: 50, what: "the nodes of the cluster to agree" },
    );
  }

  async #replicated(): Promise<void> {
    await waitUntil(
      async () => {
        const links = await Promise.all(
          this.replicas.map((replica) => this.#admin(replica).info("replication")),
        );
        const views = await Promise.all(this.servers.map((node) => this.#admin(node).cluster("NODES")));
        // Each view names every replica as one: with that, the primary's place is found without them.
        const seen = views.every((view) => String(view).split("slave").length - 1 === this.replicas.length);
        return seen && links.every((link) => link.includes("master_link_status:up"));
      },
      { timeoutMs: 30_000, everyMs: 50, what: "the replicas to follow their primaries" },
    );
  }

  /**
   * Waits until the node knows the latest configuration epoch of any other. Whoever is given a slot claims it with a newer
   * epoch than all it knows. Were that older than its former node's, others would take a late message of that one for the
   * newer claim and tell the new node so, and nobody would have the slot.
   */
  async #untilUpToDate(node: RedisServer): Promise<void> {
    const epochOf = async (one: RedisServer): Promise<number> => {
      const info = await this.#admin(one).cluster("INFO");
      return Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1]);
    };
    const isUpToDate = async (): Promise<boolean> => {
      const epochs = await Promise.all(this.servers.filter(({ isRunning }) => isRunning).map(epochOf));
      return (await epochOf(node)) >= Math.max(...epochs);
    };
    await waitUntil(isUpToDate, { timeoutMs: 30_000, what: "the slot's new node to know of the last move" });
  }

  /** By its own account. */
  async #owns(node: RedisServer, slot: number): Promise<boolean> {
    const ranges = (await this.#admin(node).cluster("SLOTS")) as unknown as [
      number,
      number,
      [string, number],
    ][];
    return ranges.some(([first, last, [, port]]) => slot >= first && slot <= last && port === node.port);
  }

  #admin(node: RedisServer): Redis {
    const admin = this.#admins.get(node) ?? node.client();
    this.#admins.set(node, admin);
    return admin;
  }

  #anyAdmin(): Redis {
    const [first] = this.nodes;
    if (first === undefined) throw new RangeError("A cluster needs at least one node.");
    return this.#admin(first);
  }

  #id(node: RedisServer): string {
    const id = this.#ids.get(node);
    if (id === undefined) throw new RangeError(`The server on port ${node.port} is not of this cluster.`);
    return id;
  }
}

/** A slot on its way. While some of its keys have moved, commands that need both kinds are answered TRYAGAIN. */
export interface SlotMigration {
  readonly slot: number;
  readonly from: RedisServer;
  readonly to: RedisServer;
  /** Moves these keys. */
  moveKeys(...keys: readonly string[]): Promise<void>;
  /** Moves what is left, and tells every node: from now on the old one answers MOVED. */
  finish(): Promise<void>;
}
