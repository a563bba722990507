import { expect, test } from "vitest";
import type { Availability } from "../fleet.ts";
import { QuorumAvailability } from "./quorum-availability.ts";

/** Servers, some of them away, and how often a call has asked each. */
function serversOf(away: readonly boolean[]): { availability: QuorumAvailability; asked: number[] } {
  const asked = away.map(() => 0);
  const nodes = away.map((isAway, index) => {
    const peek = (): "unavailable" | undefined => (isAway ? "unavailable" : undefined);
    const obstacle = (): "unavailable" | undefined => {
      asked[index] = (asked[index] ?? 0) + 1;
      return peek();
    };
    return { obstacle, peek } as unknown as Availability;
  });
  return { availability: new QuorumAvailability(nodes), asked };
}

test.each([
  [[false, false, false], undefined],
  [[true, false, false], undefined],
  [[true, true, false], "unavailable"],
])("a call asks every server once, and a look none: %j", (away, obstacle) => {
  const { availability, asked } = serversOf(away);
  expect(availability.peek()).toBe(obstacle);
  expect(asked).toEqual([0, 0, 0]);
  expect(availability.obstacle()).toBe(obstacle);
  expect(asked).toEqual([1, 1, 1]);
});
