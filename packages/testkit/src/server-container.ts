/**
 * A Redis server in a Docker container, for machines without a server program. Signals reach it as they reach a process.
 * On a Linux engine it shares the machine's network, so replicas and clusters find each other as processes do; elsewhere
 * its port is published on 127.0.0.1, and they do not.
 */
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Lifeline } from "./lifeline.ts";
import { OutputTail } from "./output-tail.ts";
import type { ServerHost, ServerPlan, ServerSignal } from "./server-host.ts";

const DEFAULT_IMAGE = "redis:7";
const PORT_INSIDE = 6379;
const REMOVER = fileURLToPath(
  new URL(`remove-container-process${extname(import.meta.filename)}`, import.meta.url),
);

/** What we use of a container of the engine's own client. */
interface EngineContainer {
  kill(options: { signal: string }): Promise<unknown>;
  wait(): Promise<unknown>;
  remove(options: { force: boolean; v: boolean }): Promise<unknown>;
}

export class ServerContainer implements ServerHost {
  readonly pid: number;
  readonly ended: Promise<void>;
  hasEnded = false;
  readonly #container: EngineContainer;
  readonly #output: OutputTail;
  readonly #lifeline: Lifeline;

  private constructor(container: EngineContainer, pid: number, output: OutputTail, lifeline: Lifeline) {
    this.#container = container;
    this.pid = pid;
    this.#output = output;
    this.#lifeline = lifeline;
    this.ended = this.#untilItEnds();
  }

  /** Whether a Docker engine answers. */
  static async available(): Promise<boolean> {
    // Loaded only here: it is large, and hardly ever needed.
    const { getContainerRuntimeClient } = await import("testcontainers");
    return getContainerRuntimeClient().then(
      () => true,
      () => false,
    );
  }

  /** Starts the image that SKEIN_REDIS_IMAGE names, redis:7 by default. */
  static async start({ port, addresses, args, env }: ServerPlan): Promise<ServerContainer> {
    const { GenericContainer, getContainerRuntimeClient, Wait } = await import("testcontainers");
    const client = await getContainerRuntimeClient();
    const sharesNetwork = await isOnThisMachine(client.container.dockerode);
    let lifeline: Lifeline | undefined;
    let output = new OutputTail();

    class TiedContainer extends GenericContainer {
      protected override async beforeContainerCreated(): Promise<void> {
        // What is published is for this machine alone.
        const published = (this.hostConfig.PortBindings ?? {}) as Record<string, { HostIp?: string }[]>;
        for (const binding of Object.values(published).flat()) binding.HostIp = "127.0.0.1";
      }

      protected override async containerCreated(id: string): Promise<void> {
        lifeline = Lifeline.tie([process.execPath, REMOVER, id]);
      }
    }

    // Its own cleaning service is a container too, and has to be downloaded; the lifeline does the same.
    const plan = new TiedContainer(process.env["SKEIN_REDIS_IMAGE"] ?? DEFAULT_IMAGE)
      .withAutoCleanup(false)
      .withEnvironment(definedOf(env))
      .withLogConsumer((stream) => {
        output = new OutputTail(stream);
      })
      // Any line: whether the server answers is asked elsewhere.
      .withWaitStrategy(Wait.forLogMessage(/./));
    if (sharesNetwork) {
      const place = ["--port", String(port), "--bind", addresses.join(" ")];
      plan.withNetworkMode("host").withCommand(["redis-server", ...args, ...place]);
    } else {
      const place = ["--port", String(PORT_INSIDE), "--bind", "0.0.0.0"];
      plan
        .withExposedPorts({ container: PORT_INSIDE, host: port })
        .withCommand(["redis-server", ...args, ...place]);
    }
    try {
      const started = await plan.start();
      const container = client.container.getById(started.getId());
      const { State } = await container.inspect();
      if (lifeline === undefined) throw new Error("The container was never created.");
      return new ServerContainer(container, State.Pid, output, lifeline);
    } catch (error) {
      // What the lifeline would do at our end is to be done now.
      lifeline?.cut();
      throw new Error(`The container with the Redis server did not start. ${output.describe()}`, {
        cause: error,
      });
    }
  }

  async signal(signal: ServerSignal): Promise<void> {
    if (this.hasEnded) return;
    // As for a process: a signal to one that has just ended is none.
    await unlessGone(this.#container.kill({ signal }));
  }

  describeLog(): string {
    return this.#output.describe();
  }

  async cleanUp(): Promise<void> {
    await unlessGone(this.#container.remove({ force: true, v: true }));
    this.#lifeline.release();
  }

  async #untilItEnds(): Promise<void> {
    await this.#container.wait();
    this.hasEnded = true;
  }
}

async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    const status: unknown = Reflect.get(Object(error), "statusCode");
    if (status !== 404 && status !== 409) throw error;
  }
}

/** Not in a virtual machine, nor in a network of its own as a rootless engine is. */
async function isOnThisMachine(engine: { info(): Promise<unknown> }): Promise<boolean> {
  const info = (await engine.info()) as { OperatingSystem?: string; SecurityOptions?: string[] };
  if (process.platform !== "linux" || info.OperatingSystem === "Docker Desktop") return false;
  return !(info.SecurityOptions ?? []).some((option) => option.includes("rootless"));
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
