/** What an application may hand over: clients of its own, of either version and protocol. */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";

export const CLIENTS = ["ioredis 5.11", "ioredis 6, RESP2", "ioredis 6, RESP3"] as const;
export type ClientName = (typeof CLIENTS)[number];

/** This package's own client is ioredis 5.11, too; see only-ioredis5.ts. */
const ONLY_IOREDIS5: boolean = process.execArgv.some((argument) => argument.includes("only-ioredis5"));

type Address = { readonly host: string; readonly port: number };

export class ClientMaker implements AsyncDisposable {
  readonly #name: ClientName;
  /** What our connections speak, which are made like the client that was handed over. */
  protocol: 2 | 3;
  readonly made: (Redis | Cluster)[] = [];

  constructor(name: ClientName) {
    this.#name = name;
    this.protocol = name === "ioredis 6, RESP3" ? 3 : 2;
  }

  redis(options: RedisOptions): Redis {
    // Another major version: the same shape, other types.
    if (this.#name === "ioredis 5.11") return this.#own(new Redis5(options as object) as unknown as Redis);
    return this.#own(new Redis({ ...options, ...this.#protocol() }));
  }

  cluster(nodes: readonly Address[]): Cluster {
    if (this.#name === "ioredis 5.11") {
      // Only its options are taken, which do not tell its version: connections are made by our own client.
      if (!ONLY_IOREDIS5) this.protocol = 3;
      return this.#own(new Cluster5([...nodes]) as unknown as Cluster);
    }
    return this.#own(new Cluster([...nodes], { redisOptions: this.#protocol() }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.made.splice(0)) client.disconnect();
  }

  #protocol(): { protocol: 2 | 3; replyMapping: "legacy" } {
    return { protocol: this.protocol, replyMapping: "legacy" };
  }

  #own<C extends Redis | Cluster>(client: C): C {
    client.on("error", () => undefined);
    this.made.push(client);
    return client;
  }
}
