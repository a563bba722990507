/** Coalescers of one deployment over any shape of Redis, each with connections and an identity of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import { ClusterSingleflight, type ClusterEvent, type ClusterOptions } from "@skein/cluster";
import { waitUntil } from "@skein/testkit";
import { WAKEUP } from "../wakeup.ts";

export class Flock implements AsyncDisposable {
  readonly members: readonly ClusterSingleflight[];
  readonly events: readonly ClusterEvent[][];

  private constructor(members: readonly ClusterSingleflight[], events: readonly ClusterEvent[][]) {
    this.members = members;
    this.events = events;
  }

  static async start(
    redis: ClusterOptions["redis"],
    count: number,
    more: Partial<ClusterOptions> = {},
  ): Promise<Flock> {
    const events = Array.from({ length: count }, (): ClusterEvent[] => []);
    const members = events.map(
      (told) =>
        new ClusterSingleflight({
          redis,
          namespace: "flock",
          wakeup: WAKEUP,
          prefixes: { "k:": { leaseMs: 2_000 } },
          observer: { onEvent: (event) => void told.push(event) },
          ...more,
        }),
    );
    const flock = new Flock(members, events);
    await flock.coordinates("k:first");
    return flock;
  }

  at(index: number): ClusterSingleflight {
    const member = this.members[index];
    if (member === undefined) throw new Error(`there is no member ${index}`);
    return member;
  }

  count(index: number, type: ClusterEvent["type"]): number {
    return (this.events[index] ?? []).filter((event) => event.type === type).length;
  }

  /** Waits until one stampede of all members for this key is one execution, without fallback. */
  async coordinates(key: string): Promise<void> {
    await waitUntil(
      async () => {
        const results = await Promise.all(
          this.members.map((member) =>
            member.fly(key, async () => {
              await sleep(100);
              return `value of ${key}`;
            }),
          ),
        );
        const roles = results.map(({ role }) => role).toSorted();
        return roles.filter((role) => role === "leader").length === 1 && !roles.includes("local");
      },
      { timeoutMs: 20_000, everyMs: 50, what: `the fleet to coordinate ${key}` },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.close({ drainMs: 0 })));
  }
}
