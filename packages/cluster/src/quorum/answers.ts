/** What several servers answer to one question, without waiting for those that would only hold the others up. */
import type { Clock, Timer } from "@skein/core";
import { CommandFailure } from "../redis/command-failure.ts";

export interface Haste<T> {
  readonly clock: Clock;
  /** Whether what has been heard will do. */
  readonly enough: (heard: readonly (T | Error)[]) => boolean;
  /** The server of this index is not waited for then. */
  readonly lags: (index: number) => boolean;
  /** The others are waited for so long then. */
  readonly patienceMs: number;
}

/** Every answer, in order; an Error where there was none, or where it was not worth waiting for. */
export function collect<T>(asked: readonly Promise<T>[], haste?: Haste<T>): Promise<(T | Error)[]> {
  return new Promise((resolve) => {
    const heard = new Map<number, T | Error>();
    let timer: Timer | undefined;
    const finish = (): void => {
      timer?.cancel();
      resolve(asked.map((_, index) => (heard.has(index) ? (heard.get(index) as T | Error) : unanswered())));
    };
    const hear = (index: number, answer: T | Error): void => {
      heard.set(index, answer);
      if (heard.size === asked.length) finish();
      else if (haste?.enough([...heard.values()]) === true) {
        const missing = [...asked.keys()].filter((other) => !heard.has(other));
        if (missing.every(haste.lags)) finish();
        else timer ??= haste.clock.setTimer(finish, haste.patienceMs);
      }
    };
    if (asked.length === 0) finish();
    for (const [index, answer] of asked.entries()) {
      answer.then(
        (value) => hear(index, value),
        (error: unknown) => hear(index, error instanceof Error ? error : new Error(String(error))),
      );
    }
  });
}

export function isAnswer<T>(reply: T | Error): reply is T {
  return !(reply instanceof Error);
}

export function firstError(replies: readonly unknown[]): Error {
  for (const reply of replies) if (reply instanceof Error) return reply;
  return new CommandFailure("refused", { sent: true });
}

function unanswered(): CommandFailure {
  return new CommandFailure("timeout", { sent: true });
}
