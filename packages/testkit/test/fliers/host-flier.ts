/** A child that makes a network host and does not clean up. Run as a child; never imported. */
import { serveFlier } from "../../src/flier-child.ts";
import { NetworkHost } from "../../src/network-host.ts";

await serveFlier(async () => {
  const host = await NetworkHost.create();
  return { name: () => host.name };
});
