import { FakeClock } from "@skein/testkit";
import { describe, expect, test } from "vitest";
import type { Fleet } from "../fleet.ts";
import { flightKeys } from "../flight-keys.ts";
import { Signatures } from "../signatures.ts";
import { EntrySigning, type SignedEntry } from "./entry-signing.ts";

const NOW = 1_800_000_000_000;
const secret = "a secret of some length";
const entry: SignedEntry = {
  key: "user:7",
  header: "skein-cached/1 value id 0 5",
  payload: Buffer.from('{"id":7}'),
};

/** Flights that hear of the server's time when their connection comes up. */
function signing(
  namespace = "shop",
  { obstacle, heard }: { obstacle?: "breaker-open"; heard?: number } = {},
): { signing: EntrySigning; waits: number[]; comesUp: () => void } {
  const waits: number[] = [];
  const up = Promise.withResolvers<boolean>();
  let timeMs = heard;
  const fleet = {
    options: {
      keys: flightKeys({ namespace, maxKeyBytes: 100, hashKeys: false }),
      clock: new FakeClock(),
      redisTimeoutMs: 250,
      coordinator: { serverTimeMs: () => timeMs },
      availabilityOf: () => ({
        peek: () => obstacle,
        whenUp: (deadline: number) => {
          waits.push(deadline);
          return up.promise;
        },
      }),
    },
  } as unknown as Fleet;
  const comesUp = (): void => {
    timeMs = NOW;
    up.resolve(true);
  };
  return { signing: new EntrySigning(fleet, new Signatures([secret])), waits, comesUp };
}

describe("a signature of an entry", () => {
  const field = signing().signing.sign(entry, NOW, 5_000);

  test("is believed in its time, by whoever has the secret", () => {
    expect(signing().signing.faultOf(field, entry, NOW + 5_000)).toBeUndefined();
    expect(signing().signing.faultOf(field, entry, NOW + 60_000)).toBe("expired");
    expect(signing().signing.faultOf(field, entry, undefined)).toBe("expired");
  });

  test.each([
    ["key", { key: "user:8" }],
    ["kind, id, grace or time of the work", { header: "skein-cached/1 value id 1 5" }],
    ["payload", { payload: Buffer.from('{"id":8}') }],
  ])("is not believed for another %s", (_what, change) => {
    expect(signing().signing.faultOf(field, { ...entry, ...change }, NOW)).toBe("signature");
  });

  test("is not believed in another namespace, nor is none at all", () => {
    expect(signing("other").signing.faultOf(field, entry, NOW)).toBe("signature");
    expect(signing().signing.faultOf("", entry, NOW)).toBe("signature");
  });
});

describe("the time", () => {
  test("is what the server was last heard to say, at once", async () => {
    const { signing: known, waits } = signing("shop", { heard: NOW });
    expect(await known.nowMs("user:7")).toBe(NOW);
    expect(waits).toEqual([]);
  });

  test("is waited for at the very start, no longer than Redis may take", async () => {
    const { signing: starting, waits, comesUp } = signing();
    const nowMs = starting.nowMs("user:7");
    comesUp();
    expect(await nowMs).toBe(NOW);
    // The clock begins at 1_000.
    expect(waits).toEqual([1_250]);
  });

  test("is not waited for when there is no hope", async () => {
    const { signing: away, waits } = signing("shop", { obstacle: "breaker-open" });
    expect(await away.nowMs("user:7")).toBeUndefined();
    expect(waits).toEqual([]);
  });
});
