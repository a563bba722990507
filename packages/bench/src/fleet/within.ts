/** Waits for something that may never come. */
import { setTimeout as sleep } from "node:timers/promises";

/** `undefined` when it has not come within `ms`, or failed. */
export async function within<T>(ms: number, event: Promise<T>): Promise<T | undefined> {
  const over = new AbortController();
  try {
    return await Promise.race([event.catch(() => undefined), sleep(ms, undefined, { signal: over.signal })]);
  } finally {
    over.abort();
  }
}
