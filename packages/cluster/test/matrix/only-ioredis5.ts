/**
 * Loaded before a row of the matrix: this package's own client is ioredis 5.11, as in an application that has no other.
 */
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    const ours = context.parentURL?.includes("/packages/cluster/dist/") === true;
    return nextResolve(specifier === "ioredis" && ours ? "ioredis5" : specifier, context);
  },
});
