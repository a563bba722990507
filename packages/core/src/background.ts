/**
 * Lets `task` run without anybody waiting for it: the one place where a promise is left to itself. Only for tasks that
 * handle their own failures. A rejection is a defect of ours and stays an unhandled rejection, so that it is seen.
 */
export function background(task: Promise<unknown>): void {
  void task;
}

/**
 * Lets go of what a function of the application returned that should have returned nothing, or not a promise: if it is
 * one and rejects, that must not end the process.
 */
export function disregard(result: unknown): void {
  if (Object(result) !== result) return;
  // A promise of another kind brings a `then` of its own, which may throw.
  background(new Promise((resolve) => resolve(result)).catch(() => undefined));
}
