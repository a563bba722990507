/** The script by which a server of a quorum is told of a leader that was elected on another. */
import { describe, expect, it } from "vitest";
import { appointScript } from "../../src/redis/flight-scripts.ts";
import { beforeEachOwnFlight } from "../scripts/own-flight.ts";
import { FLIGHT_TTL_MS, LEASE_MS, type RawReply, type RawScripts } from "../scripts/raw-scripts.ts";

let flight: RawScripts;
beforeEachOwnFlight("appoint", (own) => (flight = own));

const LATER = "9000000000000000-b-n";

function appoint(token: string, more: Record<string, string | number> = {}): Promise<RawReply> {
  return flight.run(appointScript, {
    token,
    transport: "p",
    leaseMs: LEASE_MS,
    flightTtlMs: FLIGHT_TTL_MS,
    takeovers: 0,
    firstGrant: 0,
    freshMs: 0,
    ...more,
  });
}

/** An outcome is retained; returns its token and grant. */
async function settled(more: Record<string, string> = {}): Promise<{ token: string; grant: string }> {
  const token = await flight.lead("a", "n");
  await flight.settle("a", "n", token, more);
  return { token, grant: token.split("-")[0] ?? "" };
}

describe("a server that is told of a leader", () => {
  it("takes it for one, and says so again", async () => {
    expect((await appoint(LATER))[0]).toBe("APPOINTED");
    expect((await appoint(LATER))[0]).toBe("APPOINTED");
    expect(await flight.lease()).toBe(LATER);
  });

  it("names the one that it has", async () => {
    const token = await flight.lead("a", "n");
    expect((await appoint(LATER)).toSpliced(1, 1)).toEqual(["REFUSED", token]);
  });

  it("has the outcome instead that is owed to who followed that flight, and changes nothing", async () => {
    const { token, grant } = await settled();
    const [status, , ...fields] = await appoint(LATER, { firstGrant: grant });
    expect([status, ...fields.slice(0, 2)]).toEqual(["SETTLED", token, "outcome"]);
    expect(await flight.lease()).toBeNull();
    expect(await flight.hash()).not.toHaveProperty("token");
  });

  it("has none for who followed a later flight", async () => {
    const { grant } = await settled();
    const [status] = await appoint(LATER, { firstGrant: String(Number(grant) + 1) });
    expect(status).toBe("APPOINTED");
  });

  it.each([
    ["fresh", 60_000, "SETTLED"],
    ["fresh", 0, "APPOINTED"],
    ["none", 60_000, "APPOINTED"],
    ["all", 0, "SETTLED"],
  ])(
    "has the outcome for a newcomer as a join would (%s, freshMs %i)",
    async (newcomers, freshMs, status) => {
      await settled({ newcomers });
      expect((await appoint(LATER, { freshMs }))[0]).toBe(status);
    },
  );

  it("takes it for one whatever is retained if it leads elsewhere already", async () => {
    await settled({ newcomers: "all" });
    expect((await appoint(LATER, { firstGrant: "" }))[0]).toBe("APPOINTED");
  });
});
