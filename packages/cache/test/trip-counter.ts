/**
 * Between clients and a Redis: counts round trips. A request and all that is sent before its answer comes back is one.
 * PING, which connections send on their own, is not counted.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

const PING = /^\*1\r\n\$4\r\nping\r\n$/i;

export class TripCounter implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Requests of each trip, as they were sent. */
  readonly trips: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async before(port: number): Promise<TripCounter> {
    const server = createServer({ noDelay: true });
    const counter = new TripCounter(server);
    server.on("connection", (client) => counter.#relay(client, connect({ port, noDelay: true })));
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", resolve);
    await promise;
    return counter;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The trips since the last call, by the commands they carried. */
  take(): string[] {
    return this.trips
      .splice(0)
      .map((sent) =>
        Array.from(sent.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g), ([, name = ""]) => name.toLowerCase()).join(
          "+",
        ),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    await promise;
  }

  #relay(client: Socket, server: Socket): void {
    let open = false;
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.on("data", (data) => {
      const sent = data.toString("latin1");
      if (!PING.test(sent)) {
        if (open) this.trips[this.trips.length - 1] += sent;
        else this.trips.push(sent);
        open = true;
      }
      server.write(data);
    });
    server.on("data", (data) => {
      open = false;
      client.write(data);
    });
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  }
}
