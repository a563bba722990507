import { expect, test } from "vitest";
import { isTraceparent, traceparentOf } from "./traceparent.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const SOUND = `00-${TRACE}-${SPAN}-01`;

test.each([
  ["upper case", SOUND.toUpperCase()],
  ["another version", `01-${TRACE}-${SPAN}-01`],
  ["no trace", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["no span", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["a field more", `${SOUND}-extra`],
  ["a line feed behind it", `${SOUND}\n`],
  ["nothing", ""],
  ["no text", 7],
])("a span has one form, and it is not this: %s", (_, text) => {
  expect(isTraceparent(SOUND)).toBe(true);
  expect(isTraceparent(text)).toBe(false);
});

test("the first observer that knows names the span; those that fail, or answer with something else, do not", () => {
  const onEvent = (): void => undefined;
  const asked: string[] = [];
  const observers = [
    { onEvent },
    {
      onEvent,
      traceparent: () => {
        throw new Error("no");
      },
    },
    { onEvent, traceparent: () => Promise.reject(new Error("later")) as unknown as string },
    { onEvent, traceparent: () => "user:7" },
    {
      onEvent,
      traceparent: (flightId: string) => {
        asked.push(flightId);
        return SOUND;
      },
    },
    { onEvent, traceparent: () => expect.unreachable() as string },
  ];
  expect(traceparentOf(observers, "1-a-b")).toBe(SOUND);
  expect(asked).toEqual(["1-a-b"]);
  expect(traceparentOf([], "1-a-b")).toBeUndefined();
});
