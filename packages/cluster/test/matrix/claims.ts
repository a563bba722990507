/** What has to hold in every cell of the matrix, whatever server, topology, client and way of being woken. */
import assert from "node:assert/strict";
import { waitUntil, type RedisServer } from "@skein/testkit";
import type { Flock } from "../topology/flock.ts";
import type { ClientMaker } from "./clients.ts";

export interface Cell {
  readonly flock: Flock;
  readonly servers: readonly RedisServer[];
  readonly maker: ClientMaker;
}

interface Held {
  readonly work: () => Promise<unknown>;
  readonly begun: Promise<void>;
  readonly end: (value: unknown) => void;
  readonly fail: (error: Error) => void;
}

function held(): Held {
  const outcome = Promise.withResolvers<unknown>();
  const begun = Promise.withResolvers<void>();
  const work = (): Promise<unknown> => {
    begun.resolve();
    return outcome.promise;
  };
  return { work, begun: begun.promise, end: outcome.resolve, fail: outcome.reject };
}

/** The first member leads and the second follows. */
async function leadAndFollow(
  { flock }: Cell,
  key: string,
): Promise<{ work: Held; led: Promise<unknown>; followed: Promise<{ value: unknown; role: string }> }> {
  const work = held();
  const led = flock.at(0).do(key, work.work);
  led.catch(() => undefined);
  await work.begun;
  const before = flock.count(1, "follow");
  const followed = flock.at(1).fly(key, () => "own");
  followed.catch(() => undefined);
  await waitUntil(() => flock.count(1, "follow") > before, { what: "a follower", timeoutMs: 20_000 });
  return { work, led, followed };
}

const none = (error: unknown): string => String((error as { code?: unknown }).code);

export const claims: Readonly<Record<string, (cell: Cell) => Promise<void>>> = {
  async "a stampede is one execution, and all get its value"({ flock }) {
    await flock.coordinates("k:stampede");
  },
  async "values arrive as they are: small, large, undefined, binary keys"(cell) {
    for (const [index, value] of [{ rows: [1, "ü"] }, "x".repeat(100_000), undefined, null].entries()) {
      const { work, led, followed } = await leadAndFollow(cell, `k:value {${index}}\u0000`);
      work.end(value);
      await led;
      const { value: got, role } = await followed;
      assert.deepEqual([got, role], [value, "follower"]);
    }
  },
  async "an error of the work reaches the follower with its code"(cell) {
    const { work, led, followed } = await leadAndFollow(cell, "k:error");
    work.fail(Object.assign(new Error("no row"), { code: "E_ROW" }));
    assert.equal(await led.catch(none), "E_ROW");
    assert.equal(await followed.then(() => "none", none), "E_ROW");
  },
  async "a key that is forgotten elsewhere is executed anew"(cell) {
    const { work, led, followed } = await leadAndFollow(cell, "k:forgotten");
    assert.equal(await cell.flock.at(1).forget("k:forgotten"), true);
    // By whichever of them comes first: the caller who followed, or this one.
    assert.match((await cell.flock.at(1).fly("k:forgotten", () => "anew")).value, /^(anew|own)$/);
    work.end("old");
    assert.equal(await led, "old");
    assert.match(String((await followed).value), /^(anew|own)$/);
  },
  async "scripts that every server forgot are taught again"({ flock, servers }) {
    for (const server of servers) await server.client().script("FLUSH");
    await flock.coordinates("k:flushed");
  },
  async "a leader that closes is succeeded at once"(cell) {
    const { led, followed } = await leadAndFollow(cell, "k:closed");
    await cell.flock.at(0).close({ drainMs: 0 });
    assert.equal(await led.catch(none), "ERR_SKEIN_CLOSED");
    const { value, role } = await followed;
    assert.deepEqual([value, role], ["own", "leader"]);
  },
  async "connections speak the protocol of the application's client"({ flock, servers, maker }) {
    await flock.at(1).ready();
    for (const server of servers) {
      const clients = String(await server.client().client("LIST")).split("\n");
      const ours = clients.filter((line) => line.includes(" name=skein "));
      assert.ok(ours.length > 0, "there are none");
      for (const line of ours) assert.match(line, new RegExp(` resp=${maker.protocol}\\b`));
    }
  },
  async "the application's clients are left alone"({ flock, maker }) {
    for (const member of flock.members) await member.close({ drainMs: 0 });
    for (const client of maker.made) {
      await client.set("application", "its own");
      assert.equal(await client.get("application"), "its own");
    }
  },
};
