import { expect, it } from "vitest";
import { waitUntil } from "./wait-until.ts";

it("resolves with the first truthy result", async () => {
  let looks = 0;
  expect(await waitUntil(() => ++looks >= 3 && `look ${looks}`)).toBe("look 3");
});

it("waits for promises, and takes a rejection as 'not yet'", async () => {
  let looks = 0;
  const condition = async () => {
    looks++;
    if (looks < 3) throw new Error("too early");
    return looks;
  };
  expect(await waitUntil(condition)).toBe(3);
});

it("says what it waited for and the last value when it gives up", async () => {
  const waiting = waitUntil(() => 0, { timeoutMs: 20, what: "the goose to land" });
  await expect(waiting).rejects.toThrow("Waited 20 ms in vain for: the goose to land. Last seen: 0.");
});

it("tells the last error when the condition always failed", async () => {
  const condition = () => {
    throw new RangeError("out of sky");
  };
  await expect(waitUntil(condition, { timeoutMs: 20 })).rejects.toThrow(/RangeError: out of sky/);
});

it("gives up also when the condition never answers", async () => {
  const waiting = waitUntil(() => new Promise<boolean>(() => undefined), { timeoutMs: 20 });
  await expect(waiting).rejects.toThrow("has not answered");
});

it("looks at least once, even without any time", async () => {
  expect(await waitUntil(() => "there", { timeoutMs: 0 })).toBe("there");
});
