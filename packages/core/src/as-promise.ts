/**
 * What work returned, as a promise with an ordinary `then`. A thenable, or a promise that brings a `then` of its own, is
 * asked once, later, by the language itself: whatever its `then` does, it cannot disturb us.
 */
export function asPromise(result: unknown): Promise<unknown> {
  if (result instanceof Promise && result.then === Promise.prototype.then) return Promise.resolve(result);
  return new Promise((resolve) => resolve(result));
}
