/** What a script left to its caller: `<kind> <token> <process> ...`, its last field, if that is not empty. */
import { isWakeUpKind, type WakeUpKind } from "../inbox/wake-up.ts";
import { text } from "./join-reply.ts";
import type { ScriptReply } from "./script-runner.ts";

export interface Pushes {
  readonly kind: WakeUpKind;
  readonly token: string;
  readonly processes: readonly string[];
}

export function readPushes(fields: ScriptReply): Pushes | undefined {
  const [kind, token, ...processes] = text(fields.at(-1)).split(" ");
  if (!isWakeUpKind(kind) || token === undefined || processes.length === 0) return undefined;
  return { kind, token, processes };
}
