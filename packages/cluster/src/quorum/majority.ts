/** Answers of several servers, counted. */
import type { Clock } from "@skein/core";

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * Asks `judge` whenever something is heard, and resolves with the first verdict that is not undefined; with undefined when
 * nothing more is to come. An answer that does not come is not among those heard.
 */
export function decide<A, V>(
  answers: readonly Promise<A>[],
  judge: (heard: readonly A[], open: number) => V | undefined,
): Promise<V | undefined> {
  return new Promise((resolve) => {
    const heard: A[] = [];
    let open = answers.length;
    const consider = (): void => {
      const verdict = judge(heard, open);
      if (verdict !== undefined || open === 0) resolve(verdict);
    };
    consider();
    for (const answer of answers) {
      answer
        .then(
          (value) => void heard.push(value),
          () => undefined,
        )
        .then(() => {
          open -= 1;
          consider();
        })
        .catch(() => undefined);
    }
  });
}

/**
 * Resolves with true as soon as so many of the answers agree, with false as soon as they cannot any more. An answer that
 * does not come agrees with nothing.
 */
export async function agree(answers: readonly Promise<boolean>[], needed: number): Promise<boolean> {
  const agreed = await decide(answers, (heard, open) => {
    const agreeing = heard.filter(Boolean).length;
    if (agreeing >= needed) return true;
    return agreeing + open < needed ? false : undefined;
  });
  return agreed ?? false;
}

/** `promise`, or `otherwise` at the deadline. */
export function by<T, O>(clock: Clock, deadline: number, promise: Promise<T>, otherwise: O): Promise<T | O> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(() => resolve(otherwise), Math.max(0, deadline - clock.now()));
    promise.finally(() => timer.cancel()).then(resolve, reject);
  });
}
