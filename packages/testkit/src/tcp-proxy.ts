/**
 * A TCP proxy in front of a Redis that injects what networks do: delay, silence, resets, lost replies. Bytes keep their
 * order. It reads along, so that a fault can be aimed at one command or at the connections that have sent one.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  type ConnectionFaults,
  type ProxiedConnection,
  ProxyConnection,
  type ProxyDirection,
} from "./proxy-connection.ts";
import { SeededRandom } from "./seeded-random.ts";

export interface TcpProxyOptions {
  targetPort: number;
  /** Default: 127.0.0.1. */
  targetHost?: string;
  /** Where to listen; default 127.0.0.1. */
  host?: string;
  /** Default: a free one. */
  port?: number;
  /** Where the jitter comes from; default: the same in every run. */
  random?: { fraction(): number };
}

export interface DelayOptions {
  ms: number;
  /** Up to so much more, evenly spread, drawn for each piece of data; order is kept nevertheless. Default: 0. */
  jitterMs?: number;
  /** Default: both, each of them by the delay. */
  direction?: ProxyDirection | "both";
}

export class TcpProxy implements AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Replies cut by `cutReply` so far. */
  cuts = 0;
  readonly #options: TcpProxyOptions;
  readonly #server: Server;
  readonly #random: { fraction(): number };
  readonly #connections = new Set<ProxyConnection>();
  readonly #faults: ConnectionFaults;
  #lastId = 0;
  #delays: Record<ProxyDirection, { ms: number; jitterMs: number }> = noDelays();
  #held = new Set<ProxyDirection>();
  #swallowed = new Set<ProxyDirection>();
  #cut: ((request: Buffer, name: string) => boolean) | undefined;
  #refusing = false;
  #concerns: (connection: ProxiedConnection) => boolean = () => true;

  private constructor(server: Server, host: string, port: number, options: TcpProxyOptions) {
    this.#server = server;
    this.host = host;
    this.port = port;
    this.#options = options;
    this.#random = options.random ?? new SeededRandom("tcp-proxy");
    this.#faults = {
      pipeFault: (connection, direction) =>
        this.#concerns(connection)
          ? { delayMs: this.#delayMs(direction), hold: this.#held.has(direction) }
          : { delayMs: 0, hold: false },
      swallows: (connection, direction) => this.#swallowed.has(direction) && this.#concerns(connection),
      takesCut: (connection, { bytes, name }) => {
        const takes = this.#cut !== undefined && this.#concerns(connection) && this.#cut(bytes, name);
        if (takes) this.#cut = undefined;
        return takes;
      },
    };
    server.on("connection", (client) => this.#onConnection(client));
  }

  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const { host = "127.0.0.1", port = 0 } = options;
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen({ host, port });
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("The proxy has no TCP address.");
    return new TcpProxy(server, host, address.port, options);
  }

  /** Without credentials. */
  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** Those that are open, the oldest first. */
  get connections(): readonly ProxiedConnection[] {
    return [...this.#connections];
  }

  /**
   * Aims all faults, those set already and those still to come, at the connections that the predicate accepts, asked anew
   * each time; without one, at all again. `refuse` is not affected: a new connection has said nothing yet.
   */
  only(predicate: (connection: ProxiedConnection) => boolean = () => true): void {
    this.#concerns = predicate;
    this.#applyFaults();
  }

  /** Everything that comes from now on arrives later by `ms` and the jitter. */
  delay({ ms, jitterMs = 0, direction = "both" }: DelayOptions): void {
    for (const each of directions(direction)) this.#delays[each] = { ms, jitterMs };
  }

  /**
   * Half-open: sockets stay open, new ones are accepted, and all bytes are lost, also those under way; ends and resets of
   * either side do not reach the other. A connection that has lost something stays deaf after `pass`, since a stream with
   * a hole is nothing that TCP would deliver.
   */
  swallow(direction: ProxyDirection | "both" = "both"): void {
    this.#swallowed = new Set(directions(direction));
    this.#applyFaults();
  }

  /** A partition that heals: nothing arrives until `release`, then everything does. */
  hold(direction: ProxyDirection | "both" = "both"): void {
    this.#held = new Set(directions(direction));
  }

  release(): void {
    this.#held.clear();
    this.#applyFaults();
  }

  /** What the server answers waits until `releaseReplies`. */
  holdReplies(): void {
    this.hold("to-client");
  }

  releaseReplies(): void {
    this.release();
  }

  /**
   * The next request that matches reaches the server; its reply is lost and the connection is closed, while the replies to
   * earlier requests still arrive. `match` gets the bytes of one request, and its command's name in lower case. `cuts` counts when it has happened.
   */
  cutReply(match: (request: Buffer, name: string) => boolean): void {
    this.#cut = match;
  }

  /** Resets (RST) the connections, both sides of them, and says how many. */
  reset(): number {
    const hit = [...this.#connections].filter((connection) => this.#concerns(connection));
    for (const connection of hit) connection.reset();
    return hit.length;
  }

  /** New connections are reset, until `refuse(false)`. */
  refuse(on = true): void {
    this.#refusing = on;
  }

  /** Ends all faults; what was delayed or held arrives at its time. `only` stays as it is. */
  pass(): void {
    this.#delays = noDelays();
    this.#swallowed.clear();
    this.#cut = undefined;
    this.#refusing = false;
    this.release();
  }

  async stop(): Promise<void> {
    const closed = this.#server.listening ? once(this.#server, "close") : undefined;
    this.#server.close();
    for (const connection of this.#connections) connection.reset();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #onConnection(client: Socket): void {
    if (this.#refusing) {
      client.on("error", () => undefined);
      client.resetAndDestroy();
      return;
    }
    const { targetPort, targetHost = "127.0.0.1" } = this.#options;
    const server = connect({ port: targetPort, host: targetHost, allowHalfOpen: true, noDelay: true });
    const connection = new ProxyConnection(++this.#lastId, client, server, this.#faults, () => this.cuts++);
    this.#connections.add(connection);
    const onClose = (): void => {
      if (!connection.isOpen) this.#connections.delete(connection);
    };
    client.once("close", onClose);
    server.once("close", onClose);
  }

  #delayMs(direction: ProxyDirection): number {
    const { ms, jitterMs } = this.#delays[direction];
    return jitterMs === 0 ? ms : ms + this.#random.fraction() * jitterMs;
  }

  #applyFaults(): void {
    for (const connection of this.#connections) connection.applyFaults();
  }
}

function directions(direction: ProxyDirection | "both"): ProxyDirection[] {
  return direction === "both" ? ["to-server", "to-client"] : [direction];
}

function noDelays(): Record<ProxyDirection, { ms: number; jitterMs: number }> {
  return { "to-server": { ms: 0, jitterMs: 0 }, "to-client": { ms: 0, jitterMs: 0 } };
}
