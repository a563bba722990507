/**
 * Hears every command that a Redis carries out (MONITOR) and tells what clients sent from what scripts called, which INFO
 * does not: its figures are for claims about round trips. Connecting counts too (HELLO, AUTH, CLIENT SETINFO, INFO): let
 * clients be ready first. Not heard, since the server never tells: administrative commands such as CONFIG, CLIENT KILL,
 * ACL and DEBUG. The server gets slower by it.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { parseMonitorLine, type TappedCommand } from "./monitor-line.ts";

const MAX_ANSWER_MS = 10_000;

export interface CommandCount {
  total: number;
  byName: Record<string, number>;
  /** By address and port: one entry per connection. */
  byClient: Record<string, number>;
}

export class CommandTap implements AsyncDisposable {
  /** In the order in which the server carried them out; a script comes after the commands that it called, or before. */
  readonly commands: TappedCommand[] = [];
  readonly #socket: Socket;
  /** Sends what marks a moment in the stream. */
  readonly #marker: Socket;
  readonly #monitoring = Promise.withResolvers<void>();
  readonly #markers = new Map<string, () => void>();
  #rest = "";

  private constructor(socket: Socket, marker: Socket) {
    this.#socket = socket;
    this.#marker = marker;
    socket.setEncoding("latin1").on("data", (text: string) => this.#onData(text));
    marker.resume();
    for (const each of [socket, marker]) each.on("error", () => undefined);
  }

  /** Hears everything from when it resolves. */
  static async open(server: { readonly url: string }): Promise<CommandTap> {
    const url = new URL(server.url);
    const tap = new CommandTap(await dial(url), await dial(url));
    tap.#socket.write(command("MONITOR"));
    await tap.#heard(tap.#monitoring);
    return tap;
  }

  /** Resolves when every command that the server carried out before this call is in `commands`. */
  async flush(): Promise<void> {
    const text = randomUUID();
    const arrival = Promise.withResolvers<void>();
    this.#markers.set(text, arrival.resolve);
    this.#marker.write(command("ECHO", text));
    await this.#heard(arrival);
    this.#markers.delete(text);
  }

  /** What clients sent so far. `accepts` narrows it down. Flush first. */
  count(accepts: (tapped: TappedCommand) => boolean = () => true): CommandCount {
    const count: CommandCount = { total: 0, byName: {}, byClient: {} };
    for (const tapped of this.commands) {
      if (tapped.source !== "client" || !accepts(tapped)) continue;
      count.total++;
      count.byName[tapped.name] = (count.byName[tapped.name] ?? 0) + 1;
      count.byClient[tapped.address] = (count.byClient[tapped.address] ?? 0) + 1;
    }
    return count;
  }

  /** Flushes and ends; `commands` and `count` stay. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    try {
      await this.flush();
    } finally {
      this.#socket.destroy();
      this.#marker.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #heard({ promise, reject }: PromiseWithResolvers<void>): Promise<void> {
    const onClose = (): void => reject(new Error("The tapped server closed the connection."));
    const timer = setTimeout(() => {
      reject(new Error(`The tapped server did not answer within ${MAX_ANSWER_MS} ms.`));
    }, MAX_ANSWER_MS);
    this.#socket.once("close", onClose);
    if (this.#socket.destroyed) onClose();
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#socket.off("close", onClose);
    }
  }

  #onData(text: string): void {
    const lines = (this.#rest + text).split("\r\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "+OK") this.#monitoring.resolve();
      if (line.startsWith("-")) this.#monitoring.reject(new Error(`The tap was refused: ${line}`));
      const tapped = parseMonitorLine(line);
      const arrived = tapped?.name === "echo" ? this.#markers.get(tapped.args[0] ?? "") : undefined;
      if (arrived !== undefined) arrived();
      else if (tapped !== undefined) this.commands.push(tapped);
    }
  }
}

/** A bare connection: a client of its own would add its own commands to what is counted. */
async function dial(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port || "6379") });
  await once(socket, "connect");
  const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  if (password === "") return socket;
  socket.write(command("AUTH", ...(username === "" ? [] : [username]), password));
  const [answer] = (await once(socket, "data")) as [Buffer];
  const text = answer.toString().trim();
  if (text === "+OK") return socket;
  socket.destroy();
  throw new Error(`The tap was refused: ${text}`);
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}
