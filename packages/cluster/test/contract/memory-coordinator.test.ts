import { coordinatorContract } from "./coordinator-contract.ts";
import { startMemoryFleet } from "./memory-contract-fleet.ts";

coordinatorContract("in memory", startMemoryFleet);
coordinatorContract("in memory, for processes with lists", () => startMemoryFleet("l"));
