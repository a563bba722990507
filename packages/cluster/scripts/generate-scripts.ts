/**
 * Turns `src/redis/scripts/*.lua` into `generated.ts`, so that bundlers need no file access. Includes are expanded, and
 * comments dropped: they are for readers, and the server would parse them on every load. The rights that these scripts
 * take are written into the documentation. `pnpm verify` fails when what is committed differs from what this writes.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { aclRule } from "./acl-rule.ts";

const directory = new URL("../src/redis/scripts/", import.meta.url);
const keysDocument = new URL("../../../docs/REDIS-KEYS.md", import.meta.url);

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

/** By name, as the server gets them. */
function scripts(): [name: string, text: string][] {
  const names = readdirSync(directory).filter((name) => name.endsWith(".lua"));
  return names.toSorted().map((name) => [name.slice(0, -".lua".length), expand(read(name))]);
}

/** The module, from the .lua files as they are now. */
export function generatedModule(): string {
  const all = scripts();
  const entries = all.map(([name, text]) => {
    const sha1 = createHash("sha1").update(text).digest("hex");
    return `  ${name}: {\n    sha1: ${JSON.stringify(sha1)},\n    text: ${JSON.stringify(text)},\n  },`;
  });
  return `// Generated from the .lua files beside it by scripts/generate-scripts.ts. Do not edit.
/** Every script as the server gets it. */
export const scriptSources: Readonly<Record<${all.map(([name]) => JSON.stringify(name)).join(" | ")}, { readonly sha1: string; readonly text: string }>> = {
${entries.join("\n")}
};
`;
}

/** @throws Error when the document has no place for the rule. */
function documentWithRights(document: string): string {
  const block = /(?<=```text\n)ACL SETUSER [^`]*(?=```)/u;
  if (!block.test(document)) throw new Error("docs/REDIS-KEYS.md has no block that begins with ACL SETUSER");
  return document.replace(block, `${aclRule(scripts().map(([, text]) => text))}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("generated.ts", directory), generatedModule());
  writeFileSync(keysDocument, documentWithRights(readFileSync(keysDocument, "utf8")));
}
