// What becomes of a request that fails: the operator's log has the error, its caller a status. Neither has the key, and a
// caller is told nothing of the database.

import { STATUS_CODES } from "node:http";
import { SkeinError } from "@skein/core";
import type { FastifyError, FastifyInstance } from "fastify";

const INTERNAL_SERVER_ERROR = 500;
const SERVICE_UNAVAILABLE = 503;
const GATEWAY_TIMEOUT = 504;

/** Another try, at another replica or a little later, may well succeed. */
const TRY_AGAIN = new Set([
  "ERR_SKEIN_CLOSED",
  "ERR_SKEIN_FULL",
  "ERR_SKEIN_TOO_MANY_WAITERS",
  "ERR_SKEIN_UNAVAILABLE",
  "ERR_SKEIN_FALLBACK_LIMIT",
  "ERR_SKEIN_FLIGHT_ABANDONED",
]);
const TOO_LATE = new Set(["ERR_SKEIN_TIMEOUT", "ERR_SKEIN_WAIT_TIMEOUT"]);

export function addErrorHandler(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = statusOf(error);
    // What is wrong with its request, a caller is told.
    if (status < INTERNAL_SERVER_ERROR) return reply.send(error);
    request.log.error({ err: error, route: request.routeOptions.url, status }, "failed");
    if (status === SERVICE_UNAVAILABLE) void reply.header("retry-after", "1");
    return reply.code(status).send({ statusCode: status, error: STATUS_CODES[status] });
  });
}

function statusOf(error: FastifyError): number {
  if (!(error instanceof SkeinError)) return error.statusCode ?? INTERNAL_SERVER_ERROR;
  if (TOO_LATE.has(error.code)) return GATEWAY_TIMEOUT;
  return TRY_AGAIN.has(error.code) ? SERVICE_UNAVAILABLE : INTERNAL_SERVER_ERROR;
}
