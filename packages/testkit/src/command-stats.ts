/** What `INFO commandstats` says: calls per command, those made inside scripts included. */

export interface CommandStat {
  calls: number;
  /** Server time spent, in microseconds. */
  usec: number;
  usecPerCall: number;
  rejectedCalls: number;
  failedCalls: number;
}

/** By lower-case command name; subcommands as "config|get". */
export function parseCommandStats(info: string): Record<string, CommandStat> {
  const stats: Record<string, CommandStat> = {};
  for (const [, name = "", fields = ""] of info.matchAll(/^cmdstat_([^:]+):(.*?)\r?$/gm)) {
    const values = new Map(
      fields.split(",").map((field) => {
        const [key = "", value] = field.split("=");
        return [key, Number(value)];
      }),
    );
    stats[name] = {
      calls: values.get("calls") ?? 0,
      usec: values.get("usec") ?? 0,
      usecPerCall: values.get("usec_per_call") ?? 0,
      rejectedCalls: values.get("rejected_calls") ?? 0,
      failedCalls: values.get("failed_calls") ?? 0,
    };
  }
  return stats;
}
