import { MemoryFleet, type MemoryMember } from "../../src/memory/index.ts";
import { inboxContract } from "./inbox-contract.ts";

inboxContract("in memory", () => {
  const fleet = new MemoryFleet();
  const members = new Map<string, MemoryMember>();
  return Promise.resolve({
    member(id) {
      const member = fleet.connect(id);
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
});
