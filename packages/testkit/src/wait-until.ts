/** Waits for a condition instead of for a time: tests say what they need, and go on as soon as it is so. */
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

export interface WaitOptions {
  /** Milliseconds after which to give up; generous by default (10_000), since it is only reached when a test fails. */
  timeoutMs?: number;
  /** Milliseconds between two looks; default 5. */
  everyMs?: number;
  /** What is waited for, in words; part of the error. Default: the condition's source. */
  what?: string;
}

/**
 * Resolves with the condition's first truthy result. A condition that throws or rejects counts as not yet met. Rejects
 * after `timeoutMs`, also when the condition itself hangs, and tells what was waited for and what was seen last.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const { timeoutMs = 10_000, everyMs = 5, what = String(condition) } = options;
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), timeoutMs);
  let seen = "nothing: the condition has not answered";
  let cause: unknown;
  try {
    while (!over.signal.aborted) {
      const look = await beforeAbort(over.signal, async () => condition());
      if (look === undefined) break;
      if ("value" in look) {
        if (look.value) return look.value;
        seen = inspect(look.value);
      } else {
        seen = `the error ${inspect(look.error)}`;
      }
      cause = "error" in look ? look.error : undefined;
      await beforeAbort(over.signal, () => sleep(everyMs, undefined, { signal: over.signal }));
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}. Last seen: ${seen}.`, { cause });
}

type Look<T> = { readonly value: T } | { readonly error: unknown };

async function beforeAbort<T>(signal: AbortSignal, step: () => Promise<T>): Promise<Look<T> | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const look = step().then(
      (value): Look<T> => ({ value }),
      (error: unknown): Look<T> => ({ error }),
    );
    return await Promise.race([look, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
