import { expect, test } from "vitest";
import type { WakeUp } from "./wake-up.ts";
import { WakeUpRegistry, type WakeUpListener } from "./wake-up-registry.ts";

function wakeUp(flightId: string): WakeUp {
  return { kind: "settled", flightId, token: "1-a-b", outcome: new Uint8Array() };
}

function listener(heard: string[], name: string, onWakeUp: () => void = () => undefined): WakeUpListener {
  return {
    onWakeUp: () => {
      heard.push(name);
      onWakeUp();
    },
    onInboxBack: () => {
      heard.push(`${name} back`);
      onWakeUp();
    },
  };
}

test("a wake-up reaches every listener of its flight and nobody else", () => {
  const registry = new WakeUpRegistry();
  const heard: string[] = [];
  registry.add("k1", listener(heard, "a"));
  registry.add("k1", listener(heard, "b"));
  registry.add("k2", listener(heard, "c"));
  expect(registry.deliver(wakeUp("k1"))).toBe(true);
  expect(heard).toEqual(["a", "b"]);
});

test("a wake-up that nobody waits for is nobody's", () => {
  const registry = new WakeUpRegistry();
  const heard: string[] = [];
  const late = listener(heard, "late");
  registry.add("k", late);
  registry.remove("k", late);
  expect(registry.deliver(wakeUp("k"))).toBe(false);
  expect(registry.deliver(wakeUp("never"))).toBe(false);
  expect(heard).toEqual([]);
});

test("nothing is left of a flight whose listeners are gone", () => {
  const registry = new WakeUpRegistry();
  const [a, b] = [listener([], "a"), listener([], "b")];
  registry.add("k", a);
  registry.add("k", b);
  expect(registry.size).toBe(1);
  registry.remove("k", a);
  registry.remove("k", a);
  expect(registry.size).toBe(1);
  registry.remove("k", b);
  registry.remove("unknown", b);
  expect(registry.size).toBe(0);
});

test("a listener may leave, or another come, while a wake-up is being delivered", () => {
  const registry = new WakeUpRegistry();
  const heard: string[] = [];
  const second = listener(heard, "second");
  const first = listener(heard, "first", () => {
    registry.remove("k", first);
    registry.add("k", listener(heard, "newcomer"));
  });
  registry.add("k", first);
  registry.add("k", second);
  registry.deliver(wakeUp("k"));
  expect(heard).toEqual(["first", "second"]);
  registry.deliver(wakeUp("k"));
  expect(heard).toEqual(["first", "second", "second", "newcomer"]);
});

test("everybody hears that the inbox is back, also those who leave because of it", () => {
  const registry = new WakeUpRegistry();
  const heard: string[] = [];
  const a = listener(heard, "a", () => registry.remove("k1", a));
  registry.add("k1", a);
  registry.add("k2", listener(heard, "b"));
  registry.inboxBack();
  expect(heard).toEqual(["a back", "b back"]);
  expect(registry.size).toBe(1);
});
