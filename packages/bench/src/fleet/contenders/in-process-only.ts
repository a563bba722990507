/** The bare Map in front of a cache: each process loads for itself. Its callers ask the Map first, and Redis only once. */
import { behindMap } from "../behind-map.ts";
import type { FleetContender } from "../contender.ts";
import { nothing } from "./nothing.ts";

export const inProcessOnly: FleetContender = {
  name: "in process only",
  configuration: "Map in front of GET, load, SET",
  join: async (url, load) => behindMap(await nothing.join(url, load)),
};
