/** A TCP port of 127.0.0.1 that is free now. Somebody else may take it before it is used: whoever listens has to retry. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// Below the range from which Linux and macOS take the ports of outgoing connections: so nobody's client sits on the port
// of a server that is being restarted, and no client that reconnects to a dead server ends up talking to itself.
const LOWEST_PORT = 15_000;
const HIGHEST_PORT = 32_000;
const MAX_TRIES = 100;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomInt(LOWEST_PORT, HIGHEST_PORT + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(
    `No free port on 127.0.0.1 in ${MAX_TRIES} tries between ${LOWEST_PORT} and ${HIGHEST_PORT}.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
