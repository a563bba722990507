/**
 * Where the script of a child process is: beside this one, and in the same language. What is timed is JavaScript: Node keeps a
 * compiler in a process that strips types from TypeScript, and everything that allocates takes half as long again there.
 */
import { extname } from "node:path";

/** `name`: without extension. `from`: the URL of the module that asks. */
export function scriptBeside(name: string, from: string): URL {
  return new URL(`${name}${extname(from)}`, from);
}
