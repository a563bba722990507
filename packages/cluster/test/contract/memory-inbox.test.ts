import type { Transport } from "../../src/coordinator.ts";
import { MemoryFleet, type MemoryMember } from "../../src/memory/index.ts";
import { inboxContract, type InboxContractFleet } from "./inbox-contract.ts";

const kinds = [
  ["in memory", "p"],
  ["in memory, of a process with a list", "l"],
] as const;

for (const [name, transport] of kinds) inboxContract(name, () => startFleet(transport));

function startFleet(transport: Transport): Promise<InboxContractFleet> {
  const fleet = new MemoryFleet();
  const members = new Map<string, MemoryMember>();
  return Promise.resolve({
    showsListeners: transport === "p",
    keepsWhileAway: transport === "l",
    member(id) {
      const member = fleet.connect(id, transport);
      members.set(id, member);
      return member;
    },
    post(id, message) {
      fleet.post(id, message);
      return Promise.resolve();
    },
    cut(id, meanwhile) {
      members.get(id)?.inbox.disconnect();
      for (const message of meanwhile) fleet.post(id, message);
      members.get(id)?.inbox.reconnect();
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
  });
}
