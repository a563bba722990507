import { FakeClock } from "@skein/testkit";
import { expect, test } from "vitest";
import { Breaker } from "../breaker.ts";
import type { Link } from "./connection.ts";
import { RedisAvailability } from "./redis-availability.ts";

const TIMEOUT_MS = 250;
const PROBE_EVERY_MS = 250;

interface Line {
  hopeless: boolean;
  state: "up" | "down";
}

/** Of one server: its two connections as they are set, and its breaker, whose probes are answered. */
function ofOneServer(failures: number): {
  availability: RedisAvailability;
  breaker: Breaker;
  commands: Line;
  inbox: Line;
  clock: FakeClock;
  probes: () => number;
} {
  const clock = new FakeClock();
  const [commands, inbox]: Line[] = [
    { hopeless: false, state: "up" },
    { hopeless: false, state: "up" },
  ];
  let probes = 0;
  const breaker = new Breaker(
    { failures, slowReplies: 5, slowMs: 200, probeEveryMs: PROBE_EVERY_MS },
    {
      probe: async () => void probes++,
      reachable: () => commands!.state === "up",
      clock,
      randomness: { fraction: () => 0.5, identifier: () => "x" },
      onChange() {},
    },
  );
  const availability = new RedisAvailability({
    commands: {
      get hopeless() {
        return commands!.hopeless;
      },
      get state() {
        return commands!.state;
      },
      whenUp: async () => commands!.state === "up",
    } as unknown as Link,
    inbox: inbox as unknown as Link,
    breaker,
    denied: () => false,
  });
  return { availability, breaker, commands: commands!, inbox: inbox!, clock, probes: () => probes };
}

test("calls that find the connection hopeless open the breaker, as many of them as failures says", async () => {
  const { availability, breaker, commands, clock } = ofOneServer(3);
  Object.assign(commands, { hopeless: true, state: "down" });
  for (const expected of ["closed", "closed", "open"]) {
    expect(availability.obstacle()).toBe("unavailable");
    await clock.advance(0);
    expect(breaker.state).toBe(expected);
  }
  expect(availability.obstacle()).toBe("breaker-open");
});

test("so does one that has waited for the connection in vain, until there was no hope", async () => {
  const { availability, breaker, commands, clock } = ofOneServer(1);
  commands.state = "down";
  expect(await availability.whenUp(TIMEOUT_MS / 2)).toBe(false);
  await clock.advance(0);
  // Its own time was over; the connection may yet come.
  expect(breaker.state).toBe("closed");
  commands.hopeless = true;
  expect(await availability.whenUp(TIMEOUT_MS)).toBe(false);
  await clock.advance(0);
  expect(breaker.state).toBe("open");
});

test("looks that are no call's own, however many, do not open it", async () => {
  const { availability, breaker, commands, clock } = ofOneServer(1);
  Object.assign(commands, { hopeless: true, state: "down" });
  for (let look = 0; look < 10; look++) expect(availability.peek()).toBe("unavailable");
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
});

test("an inbox that is away is a reason not to ask, but none to open the breaker", async () => {
  const { availability, breaker, inbox, clock } = ofOneServer(1);
  Object.assign(inbox, { hopeless: true, state: "down" });
  for (let call = 0; call < 10; call++) expect(availability.obstacle()).toBe("unavailable");
  await clock.advance(0);
  expect(breaker.state).toBe("closed");
});

test("nothing is probed while there is no connection; when it is back the breaker closes at once", async () => {
  const { availability, breaker, commands, clock, probes } = ofOneServer(1);
  Object.assign(commands, { hopeless: true, state: "down" });
  availability.obstacle();
  await clock.advance(20 * PROBE_EVERY_MS);
  // An inbox that comes up is no connection for commands.
  breaker.probeNow();
  await clock.advance(0);
  expect([breaker.state, probes()]).toEqual(["open", 0]);
  Object.assign(commands, { hopeless: false, state: "up" });
  breaker.probeNow();
  await clock.advance(0);
  expect([breaker.state, probes(), availability.obstacle()]).toEqual(["closed", 1, undefined]);
  expect(clock.pendingTimers).toBe(0);
});
