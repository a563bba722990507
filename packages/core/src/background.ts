/**
 * Lets `task` run without anybody waiting for it: the one place where a promise is left to itself. Only for tasks that
 * handle their own failures. A rejection is a defect of ours and stays an unhandled rejection, so that it is seen.
 */
export function background(task: Promise<unknown>): void {
  void task;
}
