/**
 * How a process tells others what a script left to it: those whose inboxes have slots of their own. Not promised: that a
 * wake-up arrives, or that it is tried twice. Nobody depends on it; who misses one finds out by joining again.
 */
import type { WakeUp } from "./wake-up.ts";

export interface Outbox {
  /** Resolves when everybody was told, or could not be. Never rejects. */
  tell(processes: readonly string[], wakeUp: WakeUp): Promise<void>;
}
