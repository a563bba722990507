import { describe, expect, expectTypeOf, test } from "vitest";
import { endingOf } from "../test/gated-work.ts";
import {
  flightKey,
  Singleflight,
  type CallOptions,
  type Coalescer,
  type FlightContext,
  type FlightResult,
  type Work,
} from "./index.ts";

interface User {
  id: number;
  name: string;
}

describe("wrap()", () => {
  test("coalesces calls by the key of their arguments, and hands the work arguments and signal", async () => {
    const flights = new Singleflight();
    const seen: unknown[] = [];
    const load = flights.wrap(
      async (id: number, fields: string[], signal: AbortSignal) => {
        seen.push(id, fields, signal.aborted);
        await Promise.resolve();
        return { id, fields };
      },
      { key: (id, fields) => flightKey("user:", { id, fields }) },
    );
    const [one, two, other] = await Promise.all([load(1, ["name"]), load(1, ["name"]), load(2, ["name"])]);
    expect(one).toBe(two);
    expect(other).toEqual({ id: 2, fields: ["name"] });
    expect(seen).toEqual([1, ["name"], false, 2, ["name"], false]);
  });

  test("calls the work before it returns", async () => {
    const flights = new Singleflight();
    const order: string[] = [];
    const load = flights.wrap(async () => order.push("work"), { key: () => "k" });
    const call = load();
    order.push("after");
    await call;
    expect(order).toEqual(["work", "after"]);
  });

  test("rejects, never throws, when the key or the work throws or the key is no string", async () => {
    const flights = new Singleflight();
    const throws = (): never => {
      throw new Error("no");
    };
    expect(await endingOf(flights.wrap(async () => "v", { key: throws })())).toEqual({
      error: new Error("no"),
    });
    expect(await endingOf(flights.wrap(throws, { key: () => "k" })())).toEqual({ error: new Error("no") });
    const keyless = flights.wrap(async () => "v", { key: () => 5 as unknown as string });
    await expect(keyless()).rejects.toMatchObject({ code: "ERR_SKEIN_INVALID_ARGUMENT", argument: "key" });
  });

  test("refuses at once what is no function", () => {
    const flights = new Singleflight();
    const wrap = (...args: unknown[]): unknown => Reflect.apply(flights.wrap, flights, args);
    expect(() => wrap("work", { key: () => "k" })).toThrow('argument work is "work": must be a function');
    expect(() => wrap(() => {}, {})).toThrow("argument options.key is undefined: must be a function");
    expect(() => wrap(() => {})).toThrow("argument options.key is undefined");
  });

  test("shares its flights with do() of the same key", async () => {
    const flights = new Singleflight<string>();
    const load = flights.wrap(
      async (id: number, signal: AbortSignal) => (signal.aborted ? `too late` : `wrapped ${id}`),
      {
        key: (id) => `k:${id}`,
      },
    );
    expect(await Promise.all([load(1), flights.do("k:1", () => "done")])).toEqual(["wrapped 1", "wrapped 1"]);
  });
});

describe("the types", () => {
  const flights = new Singleflight();
  const users = new Singleflight<User | undefined>();
  const user: User = { id: 1, name: "Nils" };

  test("of do() and fly() follow from the work, which may be synchronous or not", () => {
    expectTypeOf(flights.do("k", () => 5)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(flights.do("k", async () => "v")).toEqualTypeOf<Promise<string>>();
    expectTypeOf(flights.fly("k", async () => "v")).toEqualTypeOf<Promise<FlightResult<string>>>();
    expectTypeOf(flights.do("k", (): number | Promise<number> => 5)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(flights.do("k", async (): Promise<void> => {})).toEqualTypeOf<Promise<void>>();
  });

  test("of the values are limited by V", async () => {
    expectTypeOf(users.do("k", () => user)).toEqualTypeOf<Promise<User>>();
    expectTypeOf(users.do("k", async (): Promise<User | undefined> => user)).toEqualTypeOf<
      Promise<User | undefined>
    >();
    // @ts-expect-error -- a number is no user
    await users.do("a", () => 5);
    // @ts-expect-error -- nor is a promise of one
    await users.do("b", async () => "name");
    // @ts-expect-error -- nor what a wrapped function returns
    users.wrap(async () => 5, { key: () => "k" });
  });

  test("of the work: signal and flight, both optional to take", async () => {
    expectTypeOf<Work<string>>().parameters.toEqualTypeOf<[signal: AbortSignal, flight: FlightContext]>();
    expectTypeOf<Work<string>>().returns.toEqualTypeOf<string | Promise<string>>();
    expectTypeOf<FlightContext["fencingToken"]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<FlightContext["leaseLost"]>().toEqualTypeOf<AbortSignal | undefined>();
    // @ts-expect-error -- there is no third argument
    await flights.do("k", (_signal: AbortSignal, _flight: FlightContext, _third: string) => "v");
  });

  test("of wrap() drop the signal and keep the other parameters", () => {
    const load = flights.wrap(
      async (id: number, deep: boolean, signal: AbortSignal): Promise<string> =>
        `${id} ${deep} ${signal.aborted}`,
      {
        key: (id, deep) => {
          expectTypeOf(id).toBeNumber();
          expectTypeOf(deep).toBeBoolean();
          return "k";
        },
      },
    );
    expectTypeOf(load).toEqualTypeOf<(id: number, deep: boolean) => Promise<string>>();
    expectTypeOf(flights.wrap(async () => "v", { key: () => "k" })).toEqualTypeOf<() => Promise<string>>();
  });

  test("of options know what each call may bring, and nothing else", async () => {
    expectTypeOf<CallOptions>().toEqualTypeOf<{ signal?: AbortSignal; timeoutMs?: number }>();
    // @ts-expect-error -- a misspelt option
    await flights.do("k", () => "v", { timeout: 5 });
    expect(() => {
      // @ts-expect-error -- a misspelt option
      return new Singleflight({ maxAge: 5 });
    }).toThrow("option maxAge is 5: is not known");
  });

  test("let code be written for any coalescer", async () => {
    const either = (coalescer: Coalescer<User>): Promise<User> => coalescer.do("k", () => user);
    expect(await either(new Singleflight<User>())).toBe(user);
    expectTypeOf<Singleflight<User>>().toExtend<Coalescer<User>>();
    expectTypeOf<Singleflight<User>>().toExtend<AsyncDisposable>();
    expectTypeOf<FlightResult<User>["role"]>().toEqualTypeOf<"leader" | "follower" | "local">();
  });
});
