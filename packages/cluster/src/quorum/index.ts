/**
 * `@skein/cluster/quorum`: coordination over several independent Redis primaries, any minority of which may be down. Not
 * mutual exclusion either: leases end, clocks differ, processes pause. Each server's clock is trusted for its own leases.
 */
export { quorum } from "./quorum.ts";
export type { MembershipSource } from "../membership.ts";
