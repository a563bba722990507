/** What Skein's own tests stand on: real servers, real processes, injected faults, time and chance that can be repeated. */
export { CommandTap, type CommandCount } from "./command-tap.ts";
export { parseCommandStats, type CommandStat } from "./command-stats.ts";
export { FakeClock, type Clock } from "./fake-clock.ts";
export { Flier, type FlierExit, type FlierOptions } from "./flier.ts";
export { type FlierEvent } from "./flier-messages.ts";
export { serveFlier, type FlierHandlers, type FlierPreparation } from "./flier-child.ts";
export { freePort } from "./free-port.ts";
export { fuzzOptions, type FuzzOptions, type OptionRule } from "./fuzz-options.ts";
export { optionRules } from "./option-rules.ts";
export {
  digestOf,
  HistoryWriter,
  monotonicMs,
  readHistory,
  type CauseMark,
  type FaultName,
  type FlightMark,
  type HistoryEvent,
  type HistoryLine,
} from "./history.ts";
export { checkHistory, expectHistoryHolds, type HistoryCheckOptions } from "./history-checker.ts";
export { Lifeline } from "./lifeline.ts";
export { type TappedCommand } from "./monitor-line.ts";
export { NetworkHost } from "./network-host.ts";
export { type ProxiedConnection, type ProxyDirection } from "./proxy-connection.ts";
export { Recurring } from "./recurring.ts";
export { RedisCluster, type RedisClusterOptions, type SlotMigration } from "./redis-cluster.ts";
export {
  addUser,
  evictEverything,
  exhaustMemory,
  flushScripts,
  freezeServer,
  killSubscribers,
  limitSubscriberBuffers,
  occupyWithScript,
  pauseClients,
  relieveMemory,
} from "./redis-faults.ts";
export { promote, startReplica, type ReplicaOptions } from "./redis-replica.ts";
export { RedisSentinels, type RedisSentinelsOptions } from "./redis-sentinels.ts";
export { RedisServer, type RedisServerOptions } from "./redis-server.ts";
export { watchResources, type ResourceWatch } from "./resource-check.ts";
export { SeededRandom } from "./seeded-random.ts";
export { SentinelProcess, type SentinelPlan } from "./sentinel-process.ts";
export { type ClientOptions } from "./server-launch.ts";
export { SkewedClock } from "./skewed-clock.ts";
export { TcpProxy, type DelayOptions, type TcpProxyOptions } from "./tcp-proxy.ts";
export { describeViolations, type InvariantName, type Violation } from "./violation.ts";
export { TiedProcess, type TiedOptions } from "./tied-process.ts";
export { waitUntil, type WaitOptions } from "./wait-until.ts";
