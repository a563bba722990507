/** What flights weigh in processes and in Redis, as they get more, fuller and heavier. */
import type { Table } from "../report/section.ts";
import type { Load, Weight } from "./growth-process.ts";

export function weightTable(weights: readonly (readonly [Load, Weight])[]): Table {
  return {
    title: "Weight of a flight of the fleet",
    note: `Bytes per flight: heap of the process that leads it and of one that follows, and Redis by MEMORY USAGE of its keys, its tables of keys left out. Under way, and when all callers are answered while the outcome is retained; the heap of both processes then. One run of each.`,
    columns: [
      "flights",
      "callers of each, per process",
      "outcome",
      "leader",
      "follower",
      "Redis",
      "both, afterwards",
      "Redis, retained",
    ],
    rows: weights.map(([{ flights, callers, bytes }, weight]) =>
      [
        flights,
        callers,
        bytes,
        weight.leaderHeap,
        weight.followerHeap,
        weight.redis,
        weight.heapAfterwards,
        weight.redisAfterwards,
      ].map((figure) => figure.toFixed(0)),
    ),
  };
}
