/** The contract over memory, on a clock that only the suite moves. */
import { FakeClock } from "@skein/testkit";
import type { Transport } from "../../src/coordinator.ts";
import type { WakeUp } from "../../src/inbox/wake-up.ts";
import { MemoryFleet } from "../../src/memory/index.ts";
import { checkedCoordinator, type ContractFleet } from "./contract-fleet.ts";

export function startMemoryFleet(transport: Transport = "p"): Promise<ContractFleet> {
  const clock = new FakeClock();
  let requestDelayMs = 0;
  const fleet = new MemoryFleet({
    clock,
    network: { copies: ({ kind }) => [kind === "request" ? requestDelayMs : 0] },
  });
  const members: { close(): Promise<void> }[] = [];

  return Promise.resolve({
    seesListeners: true,
    async member(id, own = transport) {
      const { coordinator, inbox } = fleet.connect(id, own);
      const wakeUps: WakeUp[] = [];
      inbox.open({
        onWakeUp: (wakeUp) => wakeUps.push(wakeUp),
        onGarbage: () => {
          throw new Error("a message that is not a wake-up");
        },
        onInboxState: () => undefined,
      });
      members.push(inbox);
      await inbox.whenUp(clock.now());
      return {
        id,
        transport: own,
        wakeUps,
        coordinator: checkedCoordinator(coordinator, () => {
          // In memory nothing can be without an end, but an end may be absurd.
          const absurd = fleet.flightTtlsMs.filter((ttlMs) => !(ttlMs > 0 && ttlMs < 3 * 3_600_000));
          return absurd.length === 0
            ? Promise.resolve()
            : Promise.reject(new Error(`odd TTLs: ${absurd.join()}`));
        }),
        uncheckedCoordinator: coordinator,
        disconnect() {
          inbox.disconnect();
          return Promise.resolve();
        },
      };
    },
    elapse: (ms) => clock.advance(ms),
    setClockBack(ms) {
      fleet.jumpClock(-ms);
      return Promise.resolve();
    },
    delivered: () => clock.advance(0),
    async tooLate(request) {
      requestDelayMs = 1_000;
      const given = request();
      requestDelayMs = 0;
      const outcome = given.then(
        () => false,
        () => true,
      );
      await clock.advance(1_000);
      if (!(await outcome)) throw new Error("the request was answered in time");
    },
    ttlsMs: () => Promise.resolve([...fleet.flightTtlsMs, ...fleet.entryTtlsMs]),
    async close() {
      for (const member of members) await member.close();
    },
  });
}
