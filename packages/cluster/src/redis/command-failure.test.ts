import { inspect } from "node:util";
import { expect, test } from "vitest";
import { CommandFailure, failureOf } from "./command-failure.ts";

/** An error as the client makes it of a reply, with what it adds. */
function reply(message: string): Error {
  const error = Object.assign(new Error(message), { command: { name: "eval", args: ["canary-argument"] } });
  error.name = "ReplyError";
  return error;
}

test.each([
  ["WRONGTYPE Operation against a key holding the wrong kind of value", "refused", "WRONGTYPE"],
  [
    "OOM command not allowed when used memory > 'maxmemory'. script: 1f3, on @user_script:1.",
    "refused",
    "OOM",
  ],
  ["NOPERM this user has no permissions to run the 'evalsha' command", "refused", "NOPERM"],
  ["ERR The user executing the script can't run this command or subcommand script: 1f3", "refused", "NOPERM"],
  ["ERR Protocol error", "refused", "ERR"],
  ["NOSCRIPT No matching script. Please use EVAL.", "refused", "NOSCRIPT"],
  ["READONLY You can't write against a read only replica.", "unavailable", "READONLY"],
  [
    "ERR Error running script (call to f_1f3): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
    "unavailable",
    "READONLY",
  ],
  ["BUSY Redis is busy running a script.", "unavailable", "BUSY"],
  ["LOADING Redis is loading the dataset in memory", "unavailable", "LOADING"],
  ["MASTERDOWN Link with MASTER is down", "unavailable", "MASTERDOWN"],
])("an answer of the server is told by its first word: %s", (message, kind, serverCode) => {
  expect(failureOf(reply(message))).toMatchObject({ kind, serverCode, sent: true });
});

test.each([
  ["MOVED 3999 127.0.0.1:6381", "refused", { kind: "moved", slot: 3999, host: "127.0.0.1", port: 6381 }],
  ["ASK 3999 127.0.0.1:6381", "refused", { kind: "ask", slot: 3999, host: "127.0.0.1", port: 6381 }],
  ["TRYAGAIN Multiple keys request during rehashing of slot", "refused", undefined],
  ["CLUSTERDOWN The cluster is down", "unavailable", undefined],
])(
  "a node that did not carry out what is for another one changed nothing: %s",
  (message, kind, redirection) => {
    const [serverCode] = message.split(" ");
    expect(failureOf(reply(message))).toMatchObject({ kind, serverCode, redirection, sent: false });
  },
);

test("an answer that does not begin with a code has none", () => {
  expect(failureOf(reply("canary went wrong"))).toMatchObject({ kind: "refused", serverCode: undefined });
});

test("an error that the server did not send means that Redis could not be asked", () => {
  expect(failureOf(new Error("Connection is closed."))).toMatchObject({ kind: "unavailable", sent: true });
});

test("nothing of the client's error is passed on", () => {
  const failure = failureOf(
    reply("ERR unknown command 'canary-command', with args beginning with: 'canary-value'"),
  );
  expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain("canary");
});

test("a failure stays what it is", () => {
  const failure = new CommandFailure("timeout", { sent: false });
  expect(failureOf(failure)).toBe(failure);
});
