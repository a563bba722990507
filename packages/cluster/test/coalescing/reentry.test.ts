/** Work that asks for its own key by way of another process: typed, at once, instead of waiting for the lease to end. */
import { insideFlightChain, ReentrantCallError } from "@skein/core";
import { waitUntil } from "@skein/testkit";
import { describe, expect, it } from "vitest";
import { FleetOfInstances, HeldWork } from "./fleet-of-instances.ts";

describe("a call from inside of the flight that it would follow", () => {
  it("is rejected, typed, when the process finds out whom it follows", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const answer = await fleet.at(0).do("k:1", async (_signal, { flightId }) => {
      const inner = insideFlightChain(flightId, () => fleet.at(1).do("k:1", () => expect.unreachable()));
      await expect(inner).rejects.toBeInstanceOf(ReentrantCallError);
      return "done";
    });
    expect(answer).toBe("done");
    await waitUntil(() => fleet.at(1).size === 0, { what: "the end of the flight that nobody follows" });
  });

  it("also without a header, when both coalescers are in one process", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const call = fleet.at(0).do("k:1", () => fleet.at(1).do("k:1", () => expect.unreachable()));
    await expect(call).rejects.toBeInstanceOf(ReentrantCallError);
  });

  it("leaves callers of the same process alone that come from outside", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const held = new HeldWork<string>();
    const leading = fleet.at(0).fly("k:1", held.run);
    await held.begun;
    const outside = fleet.at(1).fly("k:1", () => expect.unreachable());
    await waitUntil(() => fleet.count(1, "follow") === 1, { what: "the follower" });
    const chain = fleet.instance(0).events.find((event) => event.type === "lead");
    const inside = insideFlightChain(chain?.flightId, () =>
      fleet.at(1).do("k:1", () => expect.unreachable()),
    );
    await expect(inside).rejects.toBeInstanceOf(ReentrantCallError);
    held.end("v");
    expect(await outside).toMatchObject({ value: "v", role: "follower" });
    expect(await leading).toMatchObject({ value: "v", role: "leader" });
  });

  it("is no longer one when the flight has been forgotten: then there is a new one to wait for", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const answer = await fleet.at(0).do("k:1", async (_signal, { flightId }) => {
      await fleet.at(0).forget("k:1");
      return insideFlightChain(flightId, () => fleet.at(1).do("k:1", () => "anew"));
    });
    expect(answer).toBe("anew");
  });
});

describe("a chain that somebody made up or stole", () => {
  it("fails the calls of its own request; others, here and elsewhere, run the work anew", async () => {
    await using fleet = await FleetOfInstances.start(2);
    const slow = new HeldWork<string>();
    const leading = fleet.at(0).do("k:slow", slow.run);
    await slow.begun;
    const chain = fleet.instance(0).events.find((event) => event.type === "lead")?.flightId;
    const reached = Promise.withResolvers<void>();
    const page = (index: number, who: string): Promise<string> =>
      fleet.at(index).do("k:page", async () => {
        await reached.promise;
        // By the time of a second run the first flight of it may be over.
        return `${await fleet.at(index).do("k:slow", () => "slow")}, for ${who}`;
      });

    const attacker = insideFlightChain(chain, () => page(1, "the attacker"));
    await waitUntil(() => fleet.count(1, "lead") === 1, { what: "the page of the attacker" });
    const here = page(1, "here");
    const elsewhere = page(0, "elsewhere");
    await waitUntil(() => fleet.count(0, "follow") === 1, { what: "a follower elsewhere" });
    reached.resolve();
    await expect(attacker).rejects.toBeInstanceOf(ReentrantCallError);
    slow.end("slow");
    expect(await leading).toBe("slow");
    // One of the two runs it for both.
    const [one, other] = await Promise.all([here, elsewhere]);
    expect(one).toMatch(/^slow, for (here|elsewhere)$/);
    expect(other).toBe(one);
    expect(fleet.instance(1).events).toContainEqual(
      expect.objectContaining({ type: "resign", reason: "error-withheld" }),
    );
  });
});
