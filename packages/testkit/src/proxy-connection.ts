/** One client's connection through the proxy, and the faults as they apply to it. */
import type { Socket } from "node:net";
import { type PipeFault, ProxyPipe } from "./proxy-pipe.ts";
import { ReplyReader } from "./resp-replies.ts";
import { type RedisRequest, RequestReader } from "./resp-requests.ts";

export type ProxyDirection = "to-server" | "to-client";

/** What a test sees of a connection. */
export interface ProxiedConnection {
  /** Counts up with each connection of the proxy. */
  readonly id: number;
  /** Names of the commands that the client has sent, in lower case. */
  readonly commands: ReadonlySet<string>;
  /** Delivered so far. */
  readonly bytesToServer: number;
  readonly bytesToClient: number;
}

/** The proxy's faults, as one connection sees them now. */
export interface ConnectionFaults {
  pipeFault(connection: ProxiedConnection, direction: ProxyDirection): PipeFault;
  swallows(connection: ProxiedConnection, direction: ProxyDirection): boolean;
  /** True once for the request whose reply is to be cut. */
  takesCut(connection: ProxiedConnection, request: RedisRequest): boolean;
}

export class ProxyConnection implements ProxiedConnection {
  readonly id: number;
  readonly commands: Set<string> = new Set();
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #faults: ConnectionFaults;
  readonly #onCut: () => void;
  readonly #toServer: ProxyPipe;
  readonly #toClient: ProxyPipe;
  readonly #requests = new RequestReader();
  readonly #replies = new ReplyReader();
  #speaksResp3 = false;
  /** Requests whose reply has not begun. */
  #unanswered = 0;
  /** How many replies still pass before the one that is cut, and what kind that is. */
  #cut: { repliesBefore: number; readonly isPush: boolean } | undefined;
  /** Directions in which bytes were lost: no byte may follow them, as on a real connection. */
  readonly #deaf = new Set<ProxyDirection>();

  constructor(id: number, client: Socket, server: Socket, faults: ConnectionFaults, onCut: () => void) {
    this.id = id;
    this.#client = client;
    this.#server = server;
    this.#faults = faults;
    this.#onCut = onCut;
    this.#toServer = new ProxyPipe(client, server, () => faults.pipeFault(this, "to-server"));
    this.#toClient = new ProxyPipe(server, client, () => faults.pipeFault(this, "to-client"));
    client.on("data", (chunk: Buffer) => this.#onClientData(chunk));
    server.on("data", (chunk: Buffer) => this.#onServerData(chunk));
    client.on("end", () => this.#onEnd("to-server"));
    server.on("end", () => this.#onEnd("to-client"));
    // An error is followed by "close"; it is a reset, unless the other side could not be reached, which looks like one.
    client.on("error", () => this.#onReset("to-server"));
    server.on("error", () => this.#onReset("to-client"));
  }

  get bytesToServer(): number {
    return this.#toServer.bytes;
  }

  get bytesToClient(): number {
    return this.#toClient.bytes;
  }

  get isOpen(): boolean {
    return !this.#client.destroyed || !this.#server.destroyed;
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  /** The faults have changed. */
  applyFaults(): void {
    for (const direction of ["to-server", "to-client"] as const) {
      const pipe = this.#pipe(direction);
      // What was under way when the silence began never arrives either.
      if (pipe.waitingBytes > 0 && this.#loses(direction)) pipe.drop();
      pipe.flush();
    }
  }

  #onClientData(chunk: Buffer): void {
    if (this.#loses("to-server")) return;
    for (const request of this.#requests.read(chunk)) this.#onRequest(request);
    this.#toServer.push(chunk);
  }

  #onRequest(request: RedisRequest): void {
    const { name, bytes } = request;
    this.commands.add(name);
    if (name === "hello" && bytes.includes("\r\n3\r\n")) this.#speaksResp3 = true;
    const answeredByPush = this.#speaksResp3 && name.endsWith("subscribe");
    if (this.#cut === undefined && this.#faults.takesCut(this, request)) {
      this.#cut = { repliesBefore: this.#unanswered, isPush: answeredByPush };
    }
    if (!answeredByPush) this.#unanswered++;
  }

  #onServerData(chunk: Buffer): void {
    if (this.#loses("to-client")) return;
    for (const { start, end, isPush } of this.#replies.read(chunk)) {
      if (this.#cut?.repliesBefore === 0 && this.#cut.isPush === isPush) {
        this.#close(chunk.subarray(0, start));
        return;
      }
      if (end === undefined || isPush) continue;
      if (this.#cut !== undefined) this.#cut.repliesBefore--;
      this.#unanswered = Math.max(0, this.#unanswered - 1);
    }
    this.#toClient.push(chunk);
  }

  /** Both sides see an ordinary end: so the server reads, and carries out, all that it was sent. */
  #close(before: Buffer): void {
    if (before.length > 0) this.#toClient.push(before);
    this.#toClient.end();
    this.#toServer.end();
    this.#deaf.add("to-client").add("to-server");
    this.#onCut();
  }

  #onEnd(direction: ProxyDirection): void {
    if (!this.#loses(direction)) this.#pipe(direction).end();
  }

  #onReset(direction: ProxyDirection): void {
    if (this.#loses(direction)) return;
    const socket = direction === "to-server" ? this.#server : this.#client;
    socket.resetAndDestroy();
  }

  /** Whether what has just come, bytes or an end, is lost; then all that follows is, too. */
  #loses(direction: ProxyDirection): boolean {
    if (this.#faults.swallows(this, direction)) this.#deaf.add(direction);
    return this.#deaf.has(direction);
  }

  #pipe(direction: ProxyDirection): ProxyPipe {
    return direction === "to-server" ? this.#toServer : this.#toClient;
  }
}
