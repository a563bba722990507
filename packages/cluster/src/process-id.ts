/** Names this process to the fleet for as long as it lives. Says nothing about host or pid: those can repeat. */
import type { Randomness } from "@skein/core";

const LENGTH = 12;

export function newProcessId(randomness: Randomness): string {
  return randomness.identifier(LENGTH);
}
