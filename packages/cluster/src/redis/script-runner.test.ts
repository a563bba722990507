import { expect, test } from "vitest";
import type { Link } from "./connection.ts";
import { failureOf } from "./command-failure.ts";
import { ScriptRunner } from "./script-runner.ts";

const script = { name: "echo", text: "return ARGV[1]", sha1: "digest", keyCount: 1 };

/** A server that forgets every script at once, even between two commands of a pipeline. */
function forgetfulLink(commands: string[]): Link {
  const answer = (command: string, args: readonly unknown[]): [Error | null, unknown] => {
    commands.push(command);
    if (command === "eval") return [null, [args[3]]];
    return [Object.assign(new Error("NOSCRIPT No matching script."), { name: "ReplyError" }), undefined];
  };
  const redis = {
    pipeline() {
      const replies: [Error | null, unknown][] = [];
      return {
        callBuffer: (command: string, args: readonly unknown[]) => replies.push(answer(command, args)),
        exec: () => Promise.resolve(replies),
      };
    },
  };
  const link = {
    clock: { now: () => 0 },
    send: (run: (client: typeof redis) => Promise<unknown>) => run(redis),
    failureOf,
  };
  return link as unknown as Link;
}

test("a server that forgets scripts between the calls of one batch gets every text in the end", async () => {
  const commands: string[] = [];
  const runner = new ScriptRunner(forgetfulLink(commands));
  const calls = ["a", "b", "c"].map((arg) => ({ script, keys: ["key"], args: [arg] }));
  await expect(runner.runBatch(calls, 1_000)).resolves.toEqual([["a"], ["b"], ["c"]]);
  const byDigest = ["evalsha", "evalsha", "evalsha"];
  const withOneText = ["eval", "evalsha", "evalsha"];
  expect(commands).toEqual([...byDigest, ...withOneText, "eval", "eval"]);
});
