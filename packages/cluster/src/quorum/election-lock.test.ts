import { FakeClock } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { flightKeys } from "../flight-keys.ts";
import { CommandFailure } from "../redis/command-failure.ts";
import { underElectionLock } from "./election-lock.ts";
import type { QuorumNode } from "./quorum-node.ts";

const flight = flightKeys({ namespace: "n", maxKeyBytes: 100, hashKeys: false }).flight("k");
const GRANTED = 1;
const DENIED = 0;
const unknownScript = new CommandFailure("refused", { sent: true, serverCode: "NOSCRIPT" });
const away = new CommandFailure("unavailable", { sent: false });

/** Answers its votes in turn, the last one for ever; `undefined` is never answered. */
class Server {
  readonly #votes: (number | CommandFailure | undefined)[];
  readonly heard: string[] = [];

  constructor(...votes: (number | CommandFailure | undefined)[]) {
    this.#votes = votes;
  }

  readonly node = {
    vote: (_flight: unknown, command: string) => {
      this.heard.push(command);
      const vote = this.#votes.length > 1 ? this.#votes.shift() : this.#votes[0];
      if (vote === undefined) return new Promise(() => undefined);
      return typeof vote === "number" ? Promise.resolve(vote) : Promise.reject(vote);
    },
    say: (command: string) => {
      this.heard.push(`release by ${command}`);
      return command === "EVALSHA" ? Promise.reject(unknownScript) : Promise.resolve(1);
    },
  } as unknown as QuorumNode;
}

async function elect(
  servers: readonly Server[],
  clock: FakeClock = new FakeClock(),
): Promise<string | undefined> {
  const nodes = servers.map(({ node }) => node);
  const terms = { flight, nodes, clock, withinMs: 100, ttlMs: 5_000 };
  const elected = await underElectionLock(terms, () => Promise.resolve("elected"));
  // What was granted is taken back in the background.
  await new Promise((resolve) => void setImmediate(resolve));
  return elected;
}

describe("the election lock", () => {
  it("is granted by a majority, and by no fewer", async () => {
    expect(await elect([new Server(GRANTED), new Server(DENIED), new Server(GRANTED)])).toBe("elected");
    expect(await elect([new Server(GRANTED), new Server(DENIED), new Server(DENIED)])).toBeUndefined();
    expect(await elect([new Server(GRANTED), new Server(away), new Server(away)])).toBeUndefined();
  });

  it("does not wait for servers that hang, whether the others grant it or not", async () => {
    const hung = new Server(undefined);
    expect(await elect([hung, new Server(GRANTED), new Server(GRANTED)])).toBe("elected");
    expect(await elect([hung, new Server(DENIED), new Server(DENIED)])).toBeUndefined();
    const five = [hung, new Server(GRANTED), new Server(undefined), new Server(GRANTED), new Server(GRANTED)];
    expect(await elect(five)).toBe("elected");
  });

  it("waits for its time and no longer where they are needed", async () => {
    const clock = new FakeClock();
    const election = elect([new Server(undefined), new Server(GRANTED), new Server(DENIED)], clock);
    await clock.advance(100);
    expect(await election).toBeUndefined();
  });

  it("is taken back wherever it was asked for, also where nobody answered", async () => {
    const servers = [new Server(undefined), new Server(GRANTED), new Server(GRANTED)];
    await elect(servers);
    for (const { heard } of servers) {
      expect(heard).toEqual(["EVALSHA", "release by EVALSHA", "release by EVAL"]);
    }
  });

  it("is taught to servers that do not know its script", async () => {
    const servers = [1, 2, 3].map(() => new Server(unknownScript, GRANTED));
    expect(await elect(servers)).toBe("elected");
    for (const { heard } of servers) expect(heard.slice(0, 2)).toEqual(["EVALSHA", "EVAL"]);
  });
});
