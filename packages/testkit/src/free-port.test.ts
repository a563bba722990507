import { createServer } from "node:net";
import { once } from "node:events";
import { expect, it } from "vitest";
import { freePort } from "./free-port.ts";

it("gives ports that can be listened on, outside the range of outgoing connections", async () => {
  const port = await freePort();
  expect(port).toBeLessThan(32_768);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  await new Promise((resolve) => {
    server.close(resolve);
  });
});
