import { expect, test } from "vitest";
import { refusalOf } from "./refusal.ts";

test.each([
  ["NOPERM this user has no permissions to run the 'eval' command", "command"],
  ["NOPERM User app has no permissions to run the 'hkeys' command", "command"],
  ["NOPERM User app has no permissions to run the 'pubsub|numsub' command", "command"],
  ["NOPERM this user has no permissions to access one of the keys used as arguments", "key"],
  ["NOPERM No permissions to access a key", "key"],
  ["NOPERM this user has no permissions to access one of the channels used as arguments", "channel"],
  ["NOPERM No permissions to access a channel", "channel"],
  ["-NOPERM The user executing the script can't run this command or subcommand", "command"],
  ["ERR The user executing the script can't run this command or subcommand", "command"],
  [
    "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
    "key",
  ],
  ["ERR The user executing the script can't publish to the channel mentioned in the command", "channel"],
])("a missing right is recognised in the words of every server version: %s", (message, refusal) => {
  expect(refusalOf(message)).toBe(refusal);
});

test.each([
  "",
  "ERR syntax error",
  "WRONGTYPE Operation against a key",
  "OOM command not allowed",
  "NOPERMISSION",
])("another error is no missing right: %s", (message) => {
  expect(refusalOf(message)).toBeUndefined();
});
