/** What RedisServer needs of whatever runs its server: a process of this machine, or a container. */

export type ServerSignal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT";

export interface ServerHost {
  /** On this machine; in a container's own machine where Docker runs in one. */
  readonly pid: number;
  /** Resolves when the server has ended, by whatever cause. */
  readonly ended: Promise<void>;
  readonly hasEnded: boolean;
  signal(signal: ServerSignal): Promise<void>;
  /** The server's own log and its errors, as a sentence. */
  describeLog(): string;
  /** Removes what it left behind; only after it has ended. */
  cleanUp(): Promise<void>;
}

/** How to start a server. */
export interface ServerPlan {
  readonly port: number;
  /** Addresses to listen on. */
  readonly addresses: readonly string[];
  /** Everything but port, addresses and directory. */
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env: NodeJS.ProcessEnv;
}
