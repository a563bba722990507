/** Answers of several servers, counted. */

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * Resolves with true as soon as so many of the answers agree, with false as soon as they cannot any more. An answer that
 * does not come agrees with nothing.
 */
export function agree(answers: readonly Promise<boolean>[], needed: number): Promise<boolean> {
  return new Promise((resolve) => {
    let [agreeing, open] = [0, answers.length];
    const count = (agrees: boolean): void => {
      open -= 1;
      if (agrees) agreeing += 1;
      if (agreeing >= needed) resolve(true);
      else if (agreeing + open < needed) resolve(false);
    };
    if (needed > open) resolve(false);
    for (const answer of answers) {
      answer.then(count, () => {
        count(false);
      });
    }
  });
}

/** Every answer, an Error where there was none. */
export function collect<T>(answers: readonly Promise<T>[]): Promise<(T | Error)[]> {
  return Promise.all(
    answers.map((answer) =>
      answer.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
    ),
  );
}
