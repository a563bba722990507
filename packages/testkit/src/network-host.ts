/**
 * A host of its own on this machine: a network namespace joined to the machine by a private link. It can be cut off, so
 * that nobody learns of anything (no FIN, no RST), and healed, or vanish. Linux and root only; `available` says why not.
 * The machine's own firewall is not touched: the rules are inside.
 */
import { type ChildProcess, execFile, spawn, type SpawnOptions } from "node:child_process";
import { randomInt } from "node:crypto";
import { promisify } from "node:util";
import { Lifeline } from "./lifeline.ts";

const MAX_TRIES = 20;
/** Where the programs are, also for a PATH that forgets them. */
const SBIN = "/usr/sbin:/sbin";

const execute = promisify(execFile);

export class NetworkHost implements AsyncDisposable {
  readonly name: string;
  /** The machine's address on the link: what the host connects to, and what a server has to bind. */
  readonly machineAddress: string;
  /** The host's own address on the link. */
  readonly address: string;
  readonly #lifeline: Lifeline;
  #isDestroyed = false;

  private constructor(name: string, machineAddress: string, address: string) {
    this.name = name;
    this.machineAddress = machineAddress;
    this.address = address;
    this.#lifeline = Lifeline.tie(["/usr/bin/env", `PATH=${pathWithSbin()}`, "ip", "netns", "delete", name]);
  }

  /** True, or why there can be no network host here and what would help. */
  static async available(): Promise<true | string> {
    if (process.platform !== "linux") return "Network namespaces need Linux.";
    if (process.getuid?.() !== 0) return "Network namespaces need root.";
    try {
      await ip("-Version");
      await root("iptables", "--version");
    } catch {
      return "The programs ip and iptables are missing: apt-get install -y iproute2 iptables";
    }
    try {
      const host = await NetworkHost.create();
      try {
        await host.drop();
      } finally {
        await host.destroy();
      }
      return true;
    } catch (error) {
      return `This machine refuses a network namespace or a firewall rule in it: ${String(error)}`;
    }
  }

  static async create(): Promise<NetworkHost> {
    for (let tries = 1; ; tries++) {
      // Links of four addresses out of 10.208.0.0/12, of which two are usable.
      const link = randomInt(2 ** 18);
      const base = `10.${208 + (link >>> 14)}.${(link >>> 6) & 255}`;
      const offset = (link & 63) * 4;
      const [machineAddress, address] = [`${base}.${offset + 1}`, `${base}.${offset + 2}`];
      if (tries < MAX_TRIES && (await isRouted(address))) continue;
      // At most 15 characters: it names the interface, too.
      const name = `skein-${link.toString(36)}-${process.pid.toString(36).slice(-4)}`;
      await ip("netns", "add", name);
      const host = new NetworkHost(name, machineAddress, address);
      try {
        await ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
        await ip("address", "add", `${machineAddress}/30`, "dev", name);
        await ip("link", "set", name, "up");
        await ip("-netns", name, "address", "add", `${address}/30`, "dev", "eth0");
        for (const device of ["lo", "eth0"]) await ip("-netns", name, "link", "set", device, "up");
        return host;
      } catch (error) {
        await host.destroy();
        throw error;
      }
    }
  }

  /** The command that runs a command on this host, by exec: for `Flier.start` and `spawn`. */
  get prefix(): readonly string[] {
    return ["/usr/bin/env", `PATH=${pathWithSbin()}`, "ip", "netns", "exec", this.name];
  }

  /** Runs a command on the host to its end; rejects unless it succeeds. */
  async run(command: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
    const [program = command, ...rest] = [...this.prefix, command, ...args];
    return execute(program, rest);
  }

  /** Starts a command on the host. Ending it is up to the caller. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const [program = command, ...rest] = [...this.prefix, command, ...args];
    return spawn(program, rest, options);
  }

  /** From now on no packet leaves or reaches the host; connections stay as they are. */
  async drop(): Promise<void> {
    await this.run("iptables", "-w", "-A", "INPUT", "!", "-i", "lo", "-j", "DROP");
    await this.run("iptables", "-w", "-A", "OUTPUT", "!", "-o", "lo", "-j", "DROP");
  }

  /** Undoes `drop`; what TCP repeats arrives. */
  async heal(): Promise<void> {
    await this.run("iptables", "-w", "-F");
  }

  /** Removes link and namespace. Processes that still run there keep a namespace without a way out. */
  async destroy(): Promise<void> {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    // The link first: with it the machine's end goes at once, and not when the last process in the namespace does.
    await ip("link", "delete", this.name).catch(() => undefined);
    await ip("netns", "delete", this.name);
    this.#lifeline.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

async function isRouted(address: string): Promise<boolean> {
  const { stdout } = await ip("-oneline", "route", "get", address).catch(() => ({ stdout: "" }));
  // By a default route, everything is.
  return stdout !== "" && !stdout.includes(" via ");
}

function ip(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return root("ip", ...args);
}

function root(program: string, ...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(program, args, { env: { ...process.env, PATH: pathWithSbin() } });
}

function pathWithSbin(): string {
  const { PATH = "" } = process.env;
  return `${PATH}:${SBIN}`;
}
