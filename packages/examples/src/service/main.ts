// The entry of the example service's container.

import { InvalidOptionError } from "@skein/core";
import { pino } from "pino";
import { ConfigError, maskedConfig, readConfig } from "./service-config.ts";
import { Service } from "./service.ts";

const EXIT_ON_WRONG_CONFIG = 78; // EX_CONFIG of sysexits.h

/** What the environment has wrong ends the process with a sentence, not with a stack. */
function orExit<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof InvalidOptionError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_ON_WRONG_CONFIG);
  }
}

const config = orExit(() => readConfig(process.env));
const logger = pino({ level: config.LOG_LEVEL });
logger.info({ config: maskedConfig(config) }, "starting");
const service = orExit(() => new Service(config, logger));

let isLeaving = false;
function leave(signal: NodeJS.Signals): void {
  // Whoever asks twice does not want to wait.
  if (isLeaving) process.exit(1);
  isLeaving = true;
  logger.info({ signal }, "draining");
  service.drain().then(
    () => {
      logger.info("drained");
      process.exit(0);
    },
    (error: unknown) => {
      logger.error({ err: error }, "could not drain");
      process.exit(1);
    },
  );
}
process.on("SIGTERM", leave);
process.on("SIGINT", leave);

try {
  logger.info({ port: await service.start() }, "ready");
} catch (error) {
  if (!isLeaving) {
    logger.fatal({ err: error }, "could not start");
    process.exit(1);
  }
}
