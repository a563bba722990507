/**
 * `@skein/cluster/testing`: the coordination of a fleet in memory, for tests and simulations. It speaks the protocol of
 * the Redis coordinator and is held to the same contract suite. It coordinates nothing beyond this process.
 */
export { MemoryCoordinator, NoReplyError } from "./memory-coordinator.ts";
export { MemoryFleet, type MemoryFleetOptions, type MemoryMember } from "./memory-fleet.ts";
export { MemoryInbox } from "./memory-inbox.ts";
export { perfectNetwork, type MemoryNetwork, type Packet } from "./memory-network.ts";
