import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  chainedFetch,
  createChainedFetch,
  FLIGHT_CHAIN_HEADER,
  InvalidOptionError,
  Singleflight,
  type ChainedFetchOptions,
} from "./index.ts";

const servers: Server[] = [];
afterEach(() => {
  vi.unstubAllGlobals();
  for (const server of servers.splice(0)) server.close();
});

/** The chain that a request would take along, from inside of a flight; nothing is sent. */
async function chainSentTo(url: string, send: typeof fetch = chainedFetch): Promise<string | null> {
  const request = Promise.withResolvers<string | null>();
  vi.stubGlobal("fetch", (_input: unknown, init?: RequestInit) => {
    request.resolve(new Headers(init?.headers).get(FLIGHT_CHAIN_HEADER));
    return Promise.resolve(new Response());
  });
  await new Singleflight().do("k", () => send(url));
  return request.promise;
}

describe("chainedFetch", () => {
  test("keeps what the application sends", async () => {
    const headers = Promise.withResolvers<Record<string, unknown>>();
    const server = createServer((request, response) => {
      headers.resolve(request.headers);
      response.end("{}");
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await new Singleflight().do("k", () => chainedFetch(new Request(url, { headers: { "x-own": "1" } })));
    const sent = await headers.promise;
    expect(sent["x-own"]).toBe("1");
    expect(sent[FLIGHT_CHAIN_HEADER]).toMatch(/^[0-9a-z]+-[0-9a-z]+$/);
  });

  test.each([
    "http://localhost:3000/",
    "http://app.localhost/",
    "http://127.0.0.1/",
    "http://10.1.2.3:8080/x",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.7.7/",
    "http://100.64.0.1/",
    "http://[::1]/",
    "http://[fd00::7]/",
    "http://[fe80::7]/",
    "http://[::ffff:10.1.2.3]/",
    "http://reports/",
    "https://reports:8443/",
    "http://reports.shop.svc/",
    "http://reports.shop.svc.cluster.local/",
    "http://reports.shop.svc.cluster.local./",
    "http://reports.internal/",
    "http://REPORTS.Internal/",
  ])("sends the chain to what can only be inside: %s", async (url) => {
    expect(await chainSentTo(url)).not.toBeNull();
  });

  test.each([
    "https://api.example.com/",
    "http://example.com:3000/",
    "http://8.8.8.8/",
    "http://172.32.0.1/",
    "http://172.15.0.1/",
    "http://100.128.0.1/",
    "http://192.169.0.1/",
    "http://[2001:db8::1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://localhost.example.com/",
    "http://internal.example.com/",
    "http://10.1.2.3.example.com/",
    "http://not.an.internal.example/",
    "https://user:reports@example.com/",
  ])("does not tell anybody else of it: %s", async (url) => {
    expect(await chainSentTo(url)).toBeNull();
  });

  test("takes a URL and a request, and leaves what is no URL to fetch", async () => {
    expect(await chainSentTo(new URL("http://reports/") as never)).not.toBeNull();
    expect(await chainSentTo(new Request("http://reports/") as never)).not.toBeNull();
    expect(await chainSentTo(new Request("https://example.com/") as never)).toBeNull();
    vi.unstubAllGlobals();
    const nowhere = new Singleflight().do("k", () => chainedFetch("/relative"));
    await expect(nowhere).rejects.toBeInstanceOf(TypeError);
  });
});

describe("createChainedFetch", () => {
  test("sends the chain to the hosts that it is given, by name or with their port, and to no others", async () => {
    const send = createChainedFetch({
      to: ["reports.example.com", "Other.example.com:8443", "[2001:db8::1]", "usual.example.com:443"],
    });
    for (const url of [
      "https://reports.example.com/x",
      "http://REPORTS.example.com:81/",
      "https://other.example.com:8443/",
      "http://[2001:db8::1]:80/",
      "https://usual.example.com/",
    ]) {
      expect(await chainSentTo(url, send), url).not.toBeNull();
    }
    for (const url of [
      "http://usual.example.com/",
      "https://other.example.com/",
      "https://x.reports.example.com/",
      "http://localhost/",
    ]) {
      expect(await chainSentTo(url, send), url).toBeNull();
    }
  });

  test("or where a function says, whose error is the call's", async () => {
    const asked: string[] = [];
    const to = (url: URL): boolean => asked.push(url.href) > 0 && url.protocol === "https:";
    expect(await chainSentTo("https://example.com/a", createChainedFetch({ to }))).not.toBeNull();
    expect(await chainSentTo("http://localhost/b", createChainedFetch({ to }))).toBeNull();
    expect(asked).toEqual(["https://example.com/a", "http://localhost/b"]);
    const failing = createChainedFetch({
      to: () => {
        throw new Error("own");
      },
    });
    await expect(new Singleflight().do("k", () => failing("http://localhost/"))).rejects.toThrow("own");
  });

  test("without options does as chainedFetch, and refuses others", async () => {
    expect(await chainSentTo("http://reports/", createChainedFetch())).not.toBeNull();
    expect(await chainSentTo("https://example.com/", createChainedFetch({}))).toBeNull();
    for (const options of [
      null,
      "canary",
      { to: "canary" },
      { to: [7] },
      { to: ["https://canary.example.com"] },
      { to: ["canary.example.com/path"] },
      { hosts: ["canary"] },
    ] as unknown[]) {
      const create = (): unknown => createChainedFetch(options as ChainedFetchOptions);
      expect(create).toThrow(InvalidOptionError);
      expect(create).not.toThrow(/canary/);
    }
  });

  test("sends nothing from outside of all flights", async () => {
    const seen: unknown[] = [];
    vi.stubGlobal("fetch", (...args: unknown[]) => {
      seen.push(args);
      return Promise.resolve(new Response());
    });
    await createChainedFetch({ to: () => true })("http://reports/");
    expect(seen).toEqual([["http://reports/", undefined]]);
  });
});
