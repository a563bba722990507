// What the demo is doing, on stderr: stdout is for the result alone.

export interface Progress {
  /** One line. */
  step(text: string): void;
  /** Runs a long task with a line every few seconds. */
  during<T>(task: Promise<T>, state: () => string): Promise<T>;
}

const SIGN_OF_LIFE_EVERY_MS = 10_000;

export function progressOn(stream: NodeJS.WritableStream): Progress {
  const startMs = performance.now();
  const step = (text: string): void => {
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1);
    stream.write(`${`${seconds} s`.padStart(8)}  ${text}\n`);
  };
  return {
    step,
    async during(task, state) {
      const ticker = setInterval(() => step(`... ${state()}`), SIGN_OF_LIFE_EVERY_MS);
      try {
        return await task;
      } finally {
        clearInterval(ticker);
      }
    },
  };
}
