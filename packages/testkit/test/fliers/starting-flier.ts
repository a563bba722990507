/** A child that starts servers until it is killed. Run as a child; never imported. */
import { randomUUID } from "node:crypto";
import { serveFlier } from "../../src/flier-child.ts";
import { RedisServer } from "../../src/redis-server.ts";

await serveFlier(() => {
  const mark = randomUUID();
  let background: Promise<void> | undefined;
  const startOne = async (): Promise<void> => {
    await RedisServer.start({ env: { SKEIN_TEST_MARK: mark }, args: ["--syslog-ident", mark] });
    await startOne();
  };
  return {
    begin: () => {
      background = startOne();
      return { mark, started: background !== undefined };
    },
  };
});
