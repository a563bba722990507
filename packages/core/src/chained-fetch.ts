/**
 * `fetch()` that passes the chain of flights on, to services of the application's own: whoever else is asked need not
 * learn the ids of flights, which are all that it takes to have a call refused. Not promised: that a host is what its
 * name says, nor anything about redirects. `fetch` takes headers along to wherever it is sent on.
 */
import { isIP } from "node:net";
import { InvalidOptionError, withoutText } from "./errors.ts";
import { FLIGHT_CHAIN_HEADER, flightChain } from "./flight-chain.ts";

export interface ChainedFetchOptions {
  /**
   * Who is sent the chain: hosts, by name (on any port) or with their port; or a function that says so of a URL. Nobody
   * else is. Default: what can only be inside, by its name: loopback, private and link-local addresses, names without a
   * dot, and names that end in `.localhost`, `.internal`, `.local` or `.svc`. A host that is not sent the chain ends the
   * chain: a cycle by way of it is not noticed.
   */
  to?: readonly string[] | ((url: URL) => boolean);
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

const INSIDE = /^[^.]+$|\.(?:localhost|internal|local|svc)$/;
/** Of IPv4: this host, private use, shared by a carrier's clients, link-local. */
const PRIVATE_V4 =
  /^(?:127|10|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
/** Of IPv6: this host, unique local, link-local. */
const PRIVATE_V6 = /^(?:::1$|f[cd]|fe[89ab])/;
/** How URLs write an IPv4 address inside of IPv6. */
const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** `fetch()` that passes the chain on to what can only be inside; see `createChainedFetch` for others. */
export const chainedFetch: typeof fetch = createChainedFetch();

/** @throws InvalidOptionError */
export function createChainedFetch(options: ChainedFetchOptions = {}): typeof fetch {
  const isMeant = meant(options);
  return async (input, init) => {
    const chain = flightChain();
    const url = chain === undefined ? null : URL.parse(input instanceof Request ? input.url : String(input));
    // What is no URL is for fetch to refuse.
    if (chain === undefined || url === null || !isMeant(url)) return fetch(input, init);
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    headers.set(FLIGHT_CHAIN_HEADER, chain);
    return fetch(input, { ...init, headers });
  };
}

function meant(options: ChainedFetchOptions): (url: URL) => boolean {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new InvalidOptionError("options", withoutText(options), "must be an object");
  }
  const { to = isInside, ...others } = options;
  for (const [name, value] of Object.entries(others)) {
    throw new InvalidOptionError(name, withoutText(value), "is not known; known is to");
  }
  if (typeof to === "function") return to;
  if (!Array.isArray(to) || !to.every((host) => typeof host === "string")) {
    throw new InvalidOptionError("to", withoutText(to), "must be a list of hosts, or a function");
  }
  const hosts = new Set(to.map(hostIn));
  return ({ protocol, hostname, port }) =>
    hosts.has(hostname) || hosts.has(`${hostname}:${port || DEFAULT_PORTS[protocol]}`);
}

/** As URLs write it, its port included if there is one. @throws InvalidOptionError for anything but a host. */
function hostIn(text: string): string {
  const url = /^[^/?#@\s]+$/.test(text) ? URL.parse(`http://${text}`) : null;
  if (url === null) {
    throw new InvalidOptionError("to", withoutText(text), "must be hosts, each alone or with its port");
  }
  const [, port] = /:(\d+)$/.exec(text.replace(/^\[.*\]/, "")) ?? [];
  return port === undefined ? url.hostname : `${url.hostname}:${Number(port)}`;
}

function isInside({ hostname }: URL): boolean {
  const name = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  switch (isIP(name)) {
    case 4:
      return PRIVATE_V4.test(name);
    case 6:
      return PRIVATE_V6.test(name) || PRIVATE_V4.test(mappedAddress(name));
    default:
      return INSIDE.test(name);
  }
}

/** The IPv4 address in one of IPv6, "" if there is none. */
function mappedAddress(address: string): string {
  const [, high, low] = MAPPED.exec(address) ?? [];
  if (high === undefined || low === undefined) return "";
  const [one, two] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [one >> 8, one & 0xff, two >> 8, two & 0xff].join(".");
}
