/** Writes the events worth a line to a structural logger. It is an observer like any other; nothing else logs. */
import type { Observer } from "@skein/core";
import type { ClusterEvent } from "./observer.ts";

/** What pino, console-like wrappers and most other loggers look like. */
export interface StructuralLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type Level = keyof StructuralLogger;

/** Events of every flight stay silent: at that rate they belong into metrics. */
const LINES: { readonly [T in ClusterEvent["type"]]?: readonly [Level, string] } = {
  takeover: ["warn", "took over from a lost leader"],
  abandoned: ["error", "key given up: its work lost too many leaders"],
  "lease-lost": ["warn", "leadership lost while the work was running"],
  "settle-fenced": ["warn", "outcome came too late and was not shared"],
  "settle-lost": ["warn", "outcome could not be published"],
  "abort-ignored": ["warn", "work ignored its abort"],
  "wait-timeout": ["warn", "gave up waiting for a leader"],
  "flight-aged": ["warn", "flight replaced: it was too old"],
  "flight-evicted": ["warn", "flight evicted: too many are under way"],
  resign: ["info", "leadership resigned"],
  "fallback-refused": ["warn", "uncoordinated run refused"],
  fallback: ["debug", "running uncoordinated"],
  "wakeup-lost": ["debug", "inbox lists could not be pushed to"],
  unshareable: ["warn", "outcome cannot be shared"],
  rejected: ["warn", "unreadable data rejected"],
  breaker: ["warn", "breaker changed state"],
  link: ["info", "connection changed state"],
  capabilities: ["warn", "Redis lacks something that coordination needs"],
};

export function logObserver(logger: StructuralLogger): Observer<ClusterEvent> {
  return {
    onEvent(event) {
      if (event.type === "resign" && event.reason === "unwanted") return;
      const line = LINES[event.type];
      if (line === undefined) return;
      const [level, message] = line;
      // Returned, so that one that writes asynchronously and fails is as harmless as any observer that does.
      return logger[level]({ ...event }, message);
    },
  };
}
