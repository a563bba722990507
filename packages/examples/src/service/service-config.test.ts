import { describe, expect, it } from "vitest";
import { ConfigError, maskedConfig, readConfig } from "./service-config.ts";

const REQUIRED = {
  REDIS_URL: "redis://user:red-secret@redis:6379",
  POSTGRES_URL: "postgres://skein:pg-secret@postgres/skein?password=query-secret",
};

function complaintAbout(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("The environment was accepted.");
}

describe("the configuration of the service", () => {
  it("needs to be told where the servers are, and nothing else", () => {
    expect(readConfig(REQUIRED)).toMatchObject({ PORT: 3_000, COALESCING: "fleet", CONTROLS: false });
    expect(complaintAbout({})).toMatch(/REDIS_URL: is required[^]*POSTGRES_URL: is required/u);
  });

  it("takes an empty variable for one that is not set, as compose passes it on", () => {
    expect(readConfig({ ...REQUIRED, REPORT_TTL_MS: "", REDIS_SENTINELS: "" })).toMatchObject({
      REPORT_TTL_MS: 5_000,
    });
  });

  it.each([
    ["PORT", "70000"],
    ["PORT", "1e3"],
    ["REPORT_TTL_MS", "0"],
    ["DRAIN_MS", "-1"],
    ["CONTROLS", "yes"],
    ["COALESCING", "sometimes"],
    ["LOG_LEVEL", "loud"],
    ["PEERS", "not a url"],
    ["REDIS_SENTINELS", "sentinel 1:26379"],
    ["REDIS_SENTINELS", "sentinel-1:26379,"],
    ["REDIS_SENTINELS", "sentinel-1:99999"],
    ["REDIS_CLUSTER_NODES", "redis-node-1"],
  ])("names %s and its value when that is %s", (name, value) => {
    const complaint = complaintAbout({ ...REQUIRED, [name]: value });
    expect(complaint).toContain(`${name}: `);
    expect(complaint).toContain(JSON.stringify(value));
  });

  it("never repeats a secret that is wrong", () => {
    const complaint = complaintAbout({
      REDIS_URL: "http://user:red-secret@redis",
      POSTGRES_URL: "pg-secret",
      FLIGHT_SECRETS: "short-secret",
    });
    expect(complaint).toContain("REDIS_URL");
    expect(complaint).toContain("FLIGHT_SECRETS");
    expect(complaint).not.toContain("-secret");
  });

  it.each(["postgres://skein:12/3-secret@postgres/skein", "postgres://skein:12#-secret@postgres/skein"])(
    "refuses a password that tears its URL, and does not repeat it: %s",
    (url) => {
      const complaint = complaintAbout({ ...REQUIRED, POSTGRES_URL: url });
      expect(complaint).toContain("POSTGRES_URL: must have the / and # of its password as %2F and %23");
      expect(complaint).not.toContain("-secret");
    },
  );

  it("is printed with its secrets masked", () => {
    const config = readConfig({ ...REQUIRED, FLIGHT_SECRETS: "0123456789-secret" });
    const printed = JSON.stringify(maskedConfig(config));
    expect(printed).not.toContain("-secret");
    expect(printed).toContain("redis://user:***@redis:6379");
  });

  it("names Sentinels or a cluster, not both", () => {
    const both = { REDIS_SENTINELS: "a:26379", REDIS_CLUSTER_NODES: "b:6379" };
    expect(complaintAbout({ ...REQUIRED, ...both })).toContain("exclude each other");
  });
});
