import { entryContract } from "./entry-contract.ts";
import { startMemoryFleet } from "./memory-contract-fleet.ts";

entryContract("in memory", startMemoryFleet);
entryContract("in memory, for processes with lists", () => startMemoryFleet("l"));
