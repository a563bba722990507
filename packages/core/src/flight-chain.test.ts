import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { GatedWork } from "../test/gated-work.ts";
import {
  chainedFetch,
  continueFlightChain,
  flightChain,
  insideFlightChain,
  ReentrantCallError,
  Singleflight,
} from "./index.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A service that answers every request with what `answer` returns, inside the chain that the request brought. */
async function serve(answer: () => Promise<unknown>): Promise<string> {
  const server = createServer((request, response) => {
    continueFlightChain(request, response, () => {
      void answer().then(
        (value) => response.end(JSON.stringify({ value })),
        (error: unknown) =>
          response.end(JSON.stringify({ code: Reflect.get(Object(error), "code") as unknown })),
      );
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const ask = async (url: string): Promise<unknown> => (await chainedFetch(url)).json();

describe("the chain", () => {
  test("names the flights that the code runs inside of, nearest first, by id and not by key", async () => {
    const [flights, others] = [new Singleflight(), new Singleflight()];
    const seen = await flights.do("secret-a", (_signal, outer) =>
      others.do("secret-b", async (_inner, inner) => {
        await Promise.resolve();
        return { chain: flightChain(), ids: `${inner.flightId} ${outer.flightId}` };
      }),
    );
    expect(seen.chain).toBe(seen.ids);
    expect(seen.chain).not.toContain("secret");
  });

  test("is empty outside of all flights, after they have ended, and when re-entry is not watched", async () => {
    expect(flightChain()).toBeUndefined();
    const after = Promise.withResolvers<string | undefined>();
    const settled = Promise.withResolvers<void>();
    const flights = new Singleflight();
    await flights.do("k", () => void settled.promise.then(() => after.resolve(flightChain())));
    settled.resolve();
    expect(await after.promise).toBeUndefined();
    expect(await new Singleflight({ detectReentry: false }).do("k", () => flightChain())).toBeUndefined();
  });

  test("has a limit, and keeps the nearest", async () => {
    const flights = new Singleflight();
    const nest = (depth: number): Promise<string> =>
      flights.do(`k${depth}`, (_signal, { flightId }) =>
        depth === 0 ? `${flightId}|${flightChain() ?? ""}` : nest(depth - 1),
      );
    const [nearest, chain] = (await nest(50)).split("|");
    expect(chain?.split(" ")).toHaveLength(32);
    expect(chain?.startsWith(`${nearest} `)).toBe(true);
  });

  test("from outside is taken for what it is: garbage changes nothing, and ids are passed on", () => {
    for (const garbage of [
      undefined,
      null,
      7,
      ["a-b"],
      "",
      "no",
      "../../x",
      "A-B",
      `${"a".repeat(99)}-b`,
      "\u0000",
    ]) {
      expect(insideFlightChain(garbage, () => flightChain())).toBeUndefined();
    }
    expect(insideFlightChain("abc-1 !! 17-p-n", () => flightChain())).toBe("abc-1 17-p-n");
    const endless = Array.from({ length: 1_000 }, (_, index) => `flood-${index}`).join(" ");
    expect(insideFlightChain(endless, () => flightChain())?.split(" ")).toHaveLength(32);
  });
});

describe("work that asks for its own key by way of another service", () => {
  test("gets a typed error at once", async () => {
    const flights = new Singleflight();
    const url = await serve(() => flights.do("k", () => expect.unreachable()));
    expect(await flights.do("k", () => ask(url))).toEqual({ code: "ERR_SKEIN_REENTRANT" });
  });

  test("also when that service does so inside flights of its own, and by way of a third", async () => {
    const [here, there, further] = [new Singleflight(), new Singleflight(), new Singleflight()];
    const back = await serve(() => here.do("k", () => expect.unreachable()));
    const third = await serve(() => further.do("y", () => ask(back)));
    const second = await serve(() => there.do("x", () => ask(third)));
    const answer = await here.do("k", () => ask(second));
    expect(answer).toEqual({ value: { value: { code: "ERR_SKEIN_REENTRANT" } } });
  });

  test("while others, who ask for the same key from outside, are answered", async () => {
    const flights = new Singleflight();
    const url = await serve(() => flights.do("k", () => expect.unreachable()));
    const outcome = flights.do("k", async () => ({ inner: await ask(url) }));
    const beside = flights.do("k", () => expect.unreachable());
    expect(await beside).toEqual({ inner: { code: "ERR_SKEIN_REENTRANT" } });
    expect(await outcome).toBe(await beside);
  });

  test("is told to the observer as a refused call", async () => {
    const refused: unknown[] = [];
    const flights = new Singleflight({
      observer: { onEvent: (event) => void (event.type === "call-refused" && refused.push(event.why)) },
    });
    const url = await serve(() => flights.do("k", () => expect.unreachable()));
    await flights.do("k", () => ask(url));
    expect(refused).toEqual(["reentrant"]);
  });
});

describe("not re-entrant is", () => {
  test("a service that asks for another key, or for the key after its flight has ended", async () => {
    const flights = new Singleflight();
    const other = await serve(() => flights.do("other", () => "v"));
    expect(await flights.do("k", () => ask(other))).toEqual({ value: "v" });

    const { work, run } = new GatedWork<string>();
    const first = flights.do("k", work);
    const chain = run().flight.flightId;
    run().resolve("old");
    await first;
    expect(await insideFlightChain(chain, () => flights.do("k", () => "new"))).toBe("new");
  });

  test("a chain that names another flight of the same key", async () => {
    const flights = new Singleflight();
    const { work, run } = new GatedWork<string>();
    const call = flights.do("k", work);
    const beside = insideFlightChain("another-1", () => flights.do("k", work));
    run().resolve("v");
    expect(await Promise.all([call, beside])).toEqual(["v", "v"]);
  });
});

describe("a chain that is wrong, stolen or made up", () => {
  /** `page` needs `slow`, which is under way; whoever sends the chain of `slow` cannot wait for it. */
  function pages(options?: ConstructorParameters<typeof Singleflight>[0]): {
    flights: Singleflight;
    chain: string;
    page: (who: string) => Promise<string>;
    opened: string[];
    endSlow: () => void;
    reach: () => void;
  } {
    const flights = new Singleflight(options);
    const slow = new GatedWork<string>();
    // It ends with its coalescer in some of these tests.
    flights.do("slow", slow.work).catch(() => undefined);
    const reached = Promise.withResolvers<void>();
    const opened: string[] = [];
    return {
      flights,
      chain: slow.run().flight.flightId,
      page: (who) =>
        flights.do("page", async () => {
          opened.push(who);
          await reached.promise;
          return `page of ${await flights.do("slow", slow.work)} for ${who}`;
        }),
      opened,
      endSlow: () => slow.run().resolve("slow"),
      reach: () => reached.resolve(),
    };
  }

  test("fails the calls of the request that brought it; callers who coalesced with them start anew", async () => {
    const { chain, page, opened, reach, endSlow } = pages();
    const attacker = insideFlightChain(chain, () => page("attacker"));
    const victims = [page("one"), page("two")];
    reach();
    await expect(attacker).rejects.toBeInstanceOf(ReentrantCallError);
    endSlow();
    expect(await Promise.all(victims)).toEqual(["page of slow for one", "page of slow for one"]);
    expect(opened).toEqual(["attacker", "one"]);
  });

  test("does so whatever the work makes of its refusal, and however the callers wait", async () => {
    for (const options of [{}, { timeoutMs: 60_000 }, { observer: { onEvent: () => undefined } }]) {
      const { flights, chain, page, reach, endSlow } = pages(options);
      const wrapping = (who: string): Promise<string> =>
        flights.do("outer", () =>
          page(who).catch((cause: unknown) => Promise.reject(new Error("no page", { cause }))),
        );
      const attacker = insideFlightChain(chain, () => wrapping("attacker"));
      const [victim, leaver] = [wrapping("victim"), new AbortController()];
      const left = flights.do("outer", () => expect.unreachable(), { signal: leaver.signal });
      const told = flights.fly("outer", () => expect.unreachable());
      leaver.abort(new Error("left"));
      await expect(left).rejects.toThrow("left");
      reach();
      await expect(attacker).rejects.toThrow("no page");
      endSlow();
      expect(await victim).toBe("page of slow for victim");
      expect(await told).toMatchObject({ value: "page of slow for victim", shared: true });
      expect(flights.size).toBe(0);
    }
  });

  test("fails whoever brings the same one, and nobody who brings another", async () => {
    const { chain, page, opened, reach, endSlow } = pages();
    const [first, second] = [1, 2].map((index) =>
      insideFlightChain(`x-${index} ${chain}`, () => page(`attacker ${index}`)),
    );
    const other = insideFlightChain("another-1", () => page("another"));
    const plain = page("plain");
    reach();
    await expect(first).rejects.toBeInstanceOf(ReentrantCallError);
    await expect(second).rejects.toBeInstanceOf(ReentrantCallError);
    endSlow();
    expect(await Promise.all([other, plain])).toEqual(["page of slow for plain", "page of slow for plain"]);
    expect(opened).toEqual(["attacker 1", "plain"]);
  });

  test("does not keep an error of the work's own to its request, unless a call of the work was refused", async () => {
    const { flights, chain } = pages();
    const { work, run } = new GatedWork<string>();
    const calls = [insideFlightChain(chain, () => flights.do("k", work)), flights.do("k", work)];
    run().reject(new Error("own"));
    for (const call of calls) await expect(call).rejects.toThrow("own");
  });

  test("lets callers go with the coalescer when it closes", async () => {
    const { flights, chain, page, reach } = pages();
    const attacker = insideFlightChain(chain, () => page("attacker"));
    const victim = page("victim");
    attacker.catch(() => undefined);
    const closed = flights.close({ drainMs: 0 });
    reach();
    await expect(victim).rejects.toMatchObject({ code: "ERR_SKEIN_CLOSED" });
    await closed;
  });
});

test("a caller from inside of a flight is refused; callers from outside stay", async () => {
  const flights = new Singleflight();
  const { work, run } = new GatedWork<string>();
  const outside = flights.do("k", work);
  const { flightId } = run().flight;
  const inside = insideFlightChain(flightId, () => flights.do("k", work, { timeoutMs: 60_000 }));
  await expect(inside).rejects.toBeInstanceOf(ReentrantCallError);
  run().resolve("v");
  expect(await outside).toBe("v");
});
