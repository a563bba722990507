/** The servers that keep the flights: one, or the nodes of a Redis Cluster. Says where a key is, and asks there. */
import type { CommandFailure } from "./connection.ts";
import type { ScriptCall } from "./define-script.ts";
import type { ScriptReply } from "./script-runner.ts";
import type { Server } from "./server.ts";

/** Asks one server, within the time given. It may be called again for another one, if the first did nothing. */
export type Attempt<T> = (server: Server, leftMs: number) => Promise<T>;

export interface Servers {
  /** Whether one server sees all subscriptions: on Redis Cluster each counts its own. */
  readonly seesListeners: boolean;
  /** Asks the server that keeps `key`. @throws CommandFailure */
  ask<T>(key: string, timeoutMs: number, attempt: Attempt<T>): Promise<T>;
  /** In one round trip per server. An item that failed is a failure. */
  runBatch(
    calls: readonly ScriptCall[],
    timeoutMs: number,
  ): Promise<readonly (ScriptReply | CommandFailure)[]>;
  /** The server that keeps `key`, as far as is known. */
  of(key: string): Server | undefined;
}

/** One server for everything. */
export class OneServer implements Servers {
  readonly seesListeners = true;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  ask<T>(_key: string, timeoutMs: number, attempt: Attempt<T>): Promise<T> {
    return attempt(this.#server, timeoutMs);
  }

  runBatch(calls: readonly ScriptCall[], timeoutMs: number): Promise<(ScriptReply | CommandFailure)[]> {
    return this.#server.runBatch(calls, timeoutMs);
  }

  of(): Server {
    return this.#server;
  }
}
