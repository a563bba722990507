import { coordinatorContract } from "./coordinator-contract.ts";
import { startMemoryFleet } from "./memory-contract-fleet.ts";

coordinatorContract("in memory", startMemoryFleet);
