/** On SIGTERM: close with drain, then leave the process to its other handlers, or to the default end if it has none. */
import type { CloseOptions } from "@skein/core";
import { background } from "@skein/core/internal";

/** Listeners of this kind, of all coalescers of the process: none of them handles the end of the process. */
const ours = new WeakSet<(...args: never[]) => void>();

/** Returns what stops listening. */
export function onTerminate(
  option: boolean | { drainMs?: number } | undefined,
  close: (options: CloseOptions) => Promise<void>,
): () => void {
  if (option === undefined || option === false) return () => undefined;
  const closeOptions = option === true ? {} : option;
  const onSignal = (): void => {
    // Asked now: a listener that wants the signal once is gone by the time that the drain is over.
    const handledElsewhere = process.listeners("SIGTERM").some((listener) => !ours.has(listener));
    background(
      close(closeOptions).finally(() => {
        stop();
        // Without a listener of ours the signal would have ended the process; nobody else handles it, so it still does,
        // once the last coalescer has closed.
        if (!handledElsewhere && process.listenerCount("SIGTERM") === 0) process.kill(process.pid, "SIGTERM");
      }),
    );
  };
  const stop = (): void => {
    process.off("SIGTERM", onSignal);
  };
  ours.add(onSignal);
  // First, so that those who listen once are still counted.
  process.prependListener("SIGTERM", onSignal);
  return stop;
}
