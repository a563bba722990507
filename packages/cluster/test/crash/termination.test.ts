/** SIGTERM, to a process whose flights handle it. */
import { Flier } from "@skein/testkit";
import { expect, it } from "vitest";

const SCRIPT = new URL("../fliers/terminated-flier.ts", import.meta.url);

it.each(["before", "after"])(
  "an application's own listener that wants the signal once, added %s the flights, may finish",
  async (listens) => {
    await using flier = await Flier.start(SCRIPT, { listens, coalescers: 1 });
    flier.signal("SIGTERM");
    expect(await flier.exited).toMatchObject({ code: 7, signal: null });
  },
);

it.each([1, 2])(
  "without any other listener the process ends by the signal, however many coalescers handle it: %i",
  async (coalescers) => {
    await using flier = await Flier.start(SCRIPT, { listens: "never", coalescers });
    flier.signal("SIGTERM");
    expect(await flier.exited).toMatchObject({ signal: "SIGTERM" });
  },
);
