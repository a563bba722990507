import { afterEach, describe, expect, it } from "vitest";
import { Flier, type FlierOptions } from "../../src/flier.ts";
import { waitUntil } from "../../src/wait-until.ts";

const SCRIPT = new URL("../fliers/obedient-flier.ts", import.meta.url);
const fliers: Flier[] = [];

async function start(config?: unknown, options?: FlierOptions): Promise<Flier> {
  const flier = await Flier.start(SCRIPT, config, options);
  fliers.push(flier);
  return flier;
}

afterEach(async () => {
  await Promise.all(fliers.splice(0).map((flier) => flier.kill()));
});

describe("calling a flier", () => {
  it("hands it its configuration and answers calls", async () => {
    const flier = await start({ name: "goose" });
    expect(await flier.call("name")).toBe("goose");
    expect(await flier.call("pid")).toBe(flier.pid);
    expect(flier.pid).not.toBe(process.pid);
  });

  it("carries what structured clones carry, undefined and bigint included", async () => {
    const flier = await start();
    const values = [undefined, null, 1n, new Date(0), { a: undefined }, new Map([[1, 2]])];
    expect(await flier.call("echo", ...values)).toStrictEqual(values);
  });

  it("answers calls side by side", async () => {
    const flier = await start();
    const slow = flier.call("later", 100, "slow");
    expect(await flier.call("later", 0, "fast")).toBe("fast");
    expect(await slow).toBe("slow");
  });

  it("passes an error on with name, message, code, own fields and the child's stack", async () => {
    const flier = await start();
    const error = await flier.call("fail").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "TypeError", message: "no such goose", code: "ERR_GOOSE", geese: 3 });
    expect((error as Error).stack).toContain("obedient-flier.ts");
  });

  it("rejects a call of something it does not have, and says what it has", async () => {
    const flier = await start();
    await expect(flier.call("fly")).rejects.toThrow(/no fly, only .*echo/);
    await expect(flier.call("toString")).rejects.toThrow("no toString");
  });

  it("rejects what cannot be sent, either way, and goes on", async () => {
    const flier = await start();
    await expect(flier.call("echo", () => 1)).rejects.toThrow("could not be cloned");
    await expect(flier.call("unclonable")).rejects.toThrow("could not be cloned");
    expect(await flier.call("echo", 1)).toStrictEqual([1]);
  });

  it("does not wait for what is only sent", async () => {
    const flier = await start();
    flier.send("emit", { type: "sent" });
    await flier.waitFor((event) => event.type === "sent");
  });

  it("runs with the environment and the Node options asked for", async () => {
    const flier = await start(null, { env: { SKEIN_TEST: "geese" }, execArgv: ["--no-warnings"] });
    expect(await flier.call("env", "SKEIN_TEST")).toBe("geese");
    expect(await flier.call("execArgv")).toContain("--no-warnings");
  });

  it("runs behind a command that hands over to it", async () => {
    const flier = await start(null, { prefix: ["/usr/bin/env", "SKEIN_TEST=prefixed"] });
    expect(await flier.call("env", "SKEIN_TEST")).toBe("prefixed");
    expect(await flier.call("pid")).toBe(flier.pid);
  });
});

describe("events of a flier", () => {
  it("keeps them in order and finds past and future ones", async () => {
    const flier = await start();
    await flier.call("emit", { type: "a", n: 1 }, { type: "b" }, { type: "a", n: 2 });
    expect(await flier.waitFor((event) => event.type === "a")).toStrictEqual({ type: "a", n: 1 });
    const future = flier.waitFor((event) => event["n"] === 3);
    await flier.call("emit", { type: "a", n: 3 });
    expect(await future).toStrictEqual({ type: "a", n: 3 });
    expect(flier.events.map((event) => event.type)).toStrictEqual(["a", "b", "a", "a"]);
  });

  it("tells a field that cannot cross as text rather than losing the event", async () => {
    const flier = await start();
    await flier.call("emitOdd");
    expect(flier.events[0]).toMatchObject({ type: "odd", name: "kept", callback: "() => 1" });
  });

  it("says what was seen when the expected one does not come", async () => {
    const flier = await start();
    await flier.call("emit", { type: "something else" });
    await expect(flier.waitFor((event) => event.type === "x", 20)).rejects.toThrow(
      /Not within 20 ms.*something else/,
    );
  });

  it("hears the last words before a SIGKILL", async () => {
    const flier = await start();
    flier.send("emitAndDie", 20);
    expect(await flier.exited).toStrictEqual({ code: null, signal: "SIGKILL" });
    expect(flier.events).toHaveLength(20);
  });
});

describe("the end of a flier", () => {
  it("rejects the start with what its preparation threw", async () => {
    await expect(start({ fails: "no wind" })).rejects.toMatchObject({
      name: "RangeError",
      message: "no wind",
      code: "ERR_PREPARE",
    });
  });

  it("rejects the start, with its output, when it just ended", async () => {
    await expect(start({ exits: 3 })).rejects.toThrow(
      /ended with code 3 before it was ready[^]*gone before I began/,
    );
  });

  it("rejects the start when the module, or its Node, does not exist", async () => {
    await expect(Flier.start(new URL("nowhere.ts", import.meta.url))).rejects.toThrow("nowhere.ts");
    await expect(start(null, { execPath: "/nowhere/node" })).rejects.toThrow(/code 127[^]*\/nowhere\/node/);
  });

  it("rejects calls under way, later calls and waits, naming the signal", async () => {
    const flier = await start();
    const call = flier.call("never").catch(String);
    const waiting = flier.waitFor(() => false).catch(String);
    expect(await flier.kill("SIGKILL")).toStrictEqual({ code: null, signal: "SIGKILL" });
    expect(await call).toContain("ended by SIGKILL before it answered");
    expect(await waiting).toContain("ended by SIGKILL");
    await expect(flier.call("name")).rejects.toThrow("by SIGKILL before name was called");
  });

  it("shows what the child wrote last", async () => {
    const flier = await start();
    await expect(flier.call("dieWith", "a storm came", 7)).rejects.toThrow(/code 7[^]*a storm came/);
  });

  it("is SIGTERM when asked for", async () => {
    const flier = await start();
    expect(await flier.kill("SIGTERM")).toStrictEqual({ code: null, signal: "SIGTERM" });
  });

  it("pauses and resumes", async () => {
    const flier = await start();
    flier.pause();
    let answered = false;
    const call = flier.call("name").then(() => {
      answered = true;
    });
    // A flier that runs answers at once: so another one's answers, asked for later, show the time that passed.
    const other = await start();
    for (let round = 0; round < 5; round++) await other.call("name");
    expect(answered).toBe(false);
    flier.resume();
    await call;
  });

  it("can be killed while it is paused", async () => {
    const flier = await start();
    flier.pause();
    expect(await flier.kill()).toStrictEqual({ code: null, signal: "SIGKILL" });
  });

  it("stops by itself when asked, and by force when it is busy", async () => {
    const willing = await start();
    expect(await willing.stop()).toStrictEqual({ code: 0, signal: null });
    const busy = await start();
    busy.send("block");
    await busy.waitFor((event) => event.type === "blocking");
    expect(await busy.stop()).toStrictEqual({ code: null, signal: "SIGKILL" });
  });

  it("is noticed even when what it started holds its output open", async () => {
    const flier = await start();
    const left = await flier.call<number>("leaveSomebody");
    try {
      expect(await flier.kill()).toMatchObject({ signal: "SIGKILL" });
    } finally {
      process.kill(left, "SIGKILL");
    }
  });

  it("comes with the end of its scope", async () => {
    let pid: number;
    {
      await using flier = await Flier.start(SCRIPT);
      ({ pid } = flier);
    }
    await waitUntil(() => !isAlive(pid));
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
