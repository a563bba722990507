/** The last part of what a child process wrote, for error messages. */
import type { Readable } from "node:stream";

const MAX_TAIL_CHARACTERS = 32_768;

export class OutputTail {
  #text = "";

  constructor(...streams: (Readable | null)[]) {
    for (const stream of streams) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#text = (this.#text + text).slice(-MAX_TAIL_CHARACTERS);
      });
    }
  }

  get text(): string {
    return this.#text;
  }

  /** To append to a sentence. */
  describe(): string {
    const text = this.#text.trimEnd();
    return text === "" ? "It wrote nothing." : `It wrote:\n${text}`;
  }
}
