/**
 * Turns `src/redis/scripts/*.lua` into `generated.ts`, so that bundlers need no file access. Includes are expanded, and
 * comments dropped: they are for readers, and the server would parse them on every load. `pnpm verify` fails when the
 * committed module differs from what this writes.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const directory = new URL("../src/redis/scripts/", import.meta.url);

function read(name: string): string {
  return readFileSync(new URL(name, directory), "utf8");
}

function expand(source: string): string {
  const lines = source.split("\n").flatMap((line) => {
    const included = /^-- @include (\w+)$/.exec(line)?.[1];
    return included === undefined ? [line] : expand(read(`includes/${included}.lua`)).split("\n");
  });
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("--"))
    .join("\n");
}

/** The module, from the .lua files as they are now. */
export function generatedModule(): string {
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".lua"))
    .map((name) => name.slice(0, -".lua".length))
    .toSorted();
  const entries = names.map((name) => {
    const text = expand(read(`${name}.lua`));
    const sha1 = createHash("sha1").update(text).digest("hex");
    return `  ${name}: {\n    sha1: ${JSON.stringify(sha1)},\n    text: ${JSON.stringify(text)},\n  },`;
  });
  return `// Generated from the .lua files beside it by scripts/generate-scripts.ts. Do not edit.
/** Every script as the server gets it. */
export const scriptSources: Readonly<Record<${names.map((name) => JSON.stringify(name)).join(" | ")}, { readonly sha1: string; readonly text: string }>> = {
${entries.join("\n")}
};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("generated.ts", directory), generatedModule());
}
