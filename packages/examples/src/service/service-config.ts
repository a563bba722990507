// What the example service reads from its environment: checked once, at start, and printed with its secrets masked. A
// wrong value ends the process before it listens, naming the variable and the rule, but never a secret.

import * as z from "zod";

export interface ServiceConfig {
  readonly HOST: string;
  readonly PORT: number;
  readonly LOG_LEVEL: "debug" | "info" | "warn" | "error" | "silent";
  readonly REDIS_URL: string;
  readonly REDIS_SENTINELS?: readonly string[] | undefined;
  readonly REDIS_SENTINEL_NAME: string;
  readonly REDIS_CLUSTER_NODES?: readonly string[] | undefined;
  readonly REDIS_TIMEOUT_MS: number;
  readonly POSTGRES_URL: string;
  readonly POSTGRES_WAIT_MS: number;
  readonly NAMESPACE: string;
  readonly COALESCING: "none" | "process" | "fleet";
  readonly FLIGHT_SECRETS?: readonly string[] | undefined;
  readonly REPORT_TTL_MS: number;
  readonly REPORT_ROWS: number;
  readonly REPLICA_NAME?: string | undefined;
  readonly PEERS?: readonly string[] | undefined;
  readonly CONTROLS: boolean;
  readonly DRAIN_DELAY_MS: number;
  readonly DRAIN_MS: number;
}

const WITHOUT_DEFAULT = "is required";

const flag = z.enum(["true", "false"]).transform((text) => text === "true");
const whole = (min: number, max: number): z.ZodType<number, string> =>
  z.string().regex(/^\d+$/u, "must be a whole number").transform(Number).pipe(z.number().min(min).max(max));
const list = z.string().transform((text) => text.split(",").map((part) => part.trim()));
const addresses = (form: RegExp, rule: string): z.ZodType<string[], string> =>
  list.pipe(z.array(z.string().regex(form, rule).refine(hasPort, "must have a port up to 65535")).min(1));
const url = (...protocols: string[]): z.ZodType<string, string> =>
  z
    .string({ error: WITHOUT_DEFAULT })
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `must be a URL with ${protocols.join(" or ")}`,
    )
    .refine(
      (text) => !URL.canParse(text) || !isTornByPassword(new URL(text)),
      "must have the / and # of its password as %2F and %23",
    );

/** None, or one that there can be. */
function hasPort(address: string): boolean {
  return Number(/:(\d+)$/u.exec(address)?.[1] ?? 0) <= 65_535;
}

/** Half of such a password would be a port, and the other half a path or a fragment, which nobody masks. */
function isTornByPassword({ pathname, hash }: URL): boolean {
  return pathname.includes("@") || hash !== "";
}

// No proxy, shell or orchestrator sets an empty variable on purpose; compose does it for one that is not set.
const environmentSchema: z.ZodType<ServiceConfig> = z.object({
  HOST: z.string().default("0.0.0.0"),
  PORT: whole(0, 65_535).prefault("3000"),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  REDIS_URL: url("redis:", "rediss:"),
  /** host:port of Sentinels, or hosts for port 26379; then REDIS_URL gives user, password, database and TLS (rediss:) of the primary they name. */
  REDIS_SENTINELS: addresses(
    /^[\w.-]+(:\d{1,5})?$/u,
    "must be host or host:port, with commas between",
  ).optional(),
  REDIS_SENTINEL_NAME: z.string().default("skein"),
  /** host:port of some nodes of a Redis Cluster; then REDIS_URL gives user, password and TLS (rediss:) of every node. */
  REDIS_CLUSTER_NODES: addresses(/^[\w.-]+:\d{1,5}$/u, "must be host:port, with commas between").optional(),
  REDIS_TIMEOUT_MS: whole(5, 60_000).prefault("250"),
  POSTGRES_URL: url("postgres:", "postgresql:"),
  /** How long a query may wait for a connection: better an error than a queue without end. */
  POSTGRES_WAIT_MS: whole(1, 600_000).prefault("5000"),
  NAMESPACE: z.string().min(1).max(100).default("shop"),
  COALESCING: z.enum(["none", "process", "fleet"]).default("fleet"),
  /** Shared by the whole deployment; outcomes are signed with the first. */
  FLIGHT_SECRETS: list.pipe(z.array(z.string().min(16)).min(1).max(8)).optional(),
  REPORT_TTL_MS: whole(1, 86_400_000).prefault("5000"),
  /** How many rows one report reads: how much work it is. */
  REPORT_ROWS: whole(1, 100_000_000).prefault("100000"),
  /** What the live page calls this replica: by default by its host's name, which is a container's id, and its pid. */
  REPLICA_NAME: z.string().min(1).max(100).optional(),
  /** Origins of the fleet, this replica among them. A name with several addresses stands for all of them. */
  PEERS: list.pipe(z.array(url("http:"))).optional(),
  CONTROLS: flag.prefault("false"),
  /** After SIGTERM: how long readiness is off before the port closes, so that load balancers can notice. */
  DRAIN_DELAY_MS: whole(0, 60_000).prefault("3000"),
  /** After that: how long what is under way may take. */
  DRAIN_MS: whole(0, 600_000).prefault("10000"),
});

/** Its message is for the operator. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws ConfigError naming every variable that is wrong. */
export function readConfig(environment: NodeJS.ProcessEnv): ServiceConfig {
  const given = Object.fromEntries(Object.entries(environment).filter(([, text]) => text !== ""));
  const read = environmentSchema.safeParse(given);
  if (!read.success) {
    const lines = read.error.issues.map(({ path: [name = ""], message }) => {
      const text = given[String(name)];
      const shown = text === undefined || isSecret(String(name)) ? "" : ` (is ${JSON.stringify(text)})`;
      return `${String(name)}: ${message}${shown}`;
    });
    throw new ConfigError(`The environment is not usable.\n${lines.join("\n")}`);
  }
  if (read.data.REDIS_SENTINELS !== undefined && read.data.REDIS_CLUSTER_NODES !== undefined) {
    throw new ConfigError("REDIS_SENTINELS and REDIS_CLUSTER_NODES exclude each other.");
  }
  return read.data;
}

/** For the log: passwords in URLs and secrets are replaced. */
export function maskedConfig(config: ServiceConfig): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => {
      if (name === "FLIGHT_SECRETS") return [name, "***"];
      return [name, isSecret(name) && typeof value === "string" ? withoutPassword(value) : value];
    }),
  );
}

function isSecret(name: string): boolean {
  return name.endsWith("_URL") || name.endsWith("_SECRETS");
}

/** Also what a driver would read from the query. */
function withoutPassword(text: string): string {
  const masked = new URL(text);
  if (masked.password !== "") masked.password = "***";
  if (masked.search !== "") masked.search = "?***";
  return masked.href;
}
