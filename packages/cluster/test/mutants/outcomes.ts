/** Whose outcome counts, for whom, and who is told: what would hand out a wrong one, an old one, or none. */
import type { Mutant } from "./mutant.ts";

const SRC = "packages/cluster/src";
const SCRIPTS = `${SRC}/redis/scripts`;
const CONTRACT = "packages/cluster/test/contract/redis-coordinator.test.ts";
const SIGNATURES = `${SRC}/signatures.test.ts`;
const ENVELOPE = `${SRC}/envelope.test.ts`;

export const OUTCOME_MUTANTS: readonly Mutant[] = [
  {
    name: "drop-the-fence",
    file: `${SCRIPTS}/includes/claim.lua`,
    before: "return token ~= '' and (holder == token or (not holder and named == token))",
    after: "return token ~= ''",
    breaks: "P4",
    harm: "a late leader's outcome replaces its successor's",
    killers: [CONTRACT],
  },
  {
    name: "fence-by-lease-alone",
    file: `${SCRIPTS}/includes/claim.lua`,
    before: "return token ~= '' and (holder == token or (not holder and named == token))",
    after: "return token ~= '' and holder == token",
    breaks: "P4",
    harm: "the outcome of a leader whose lease has just ended is lost, though nobody succeeded it",
    killers: [CONTRACT],
  },
  {
    name: "retain-nothing",
    file: `${SCRIPTS}/settle.lua`,
    before:
      "redis.call('HSET', KEYS[2], 'grant', grantText(token), 'settled', token, 'outcome', outcome, 'settledAt', nowText, 'newcomers', ARGV[5])",
    after:
      "redis.call('HSET', KEYS[2], 'grant', grantText(token), 'settled', token, 'settledAt', nowText, 'newcomers', ARGV[5])",
    breaks: "P2",
    harm: "whoever missed its wake-up runs the work again",
    killers: [CONTRACT],
  },
  {
    name: "forget-the-grant",
    file: `${SCRIPTS}/settle.lua`,
    before:
      "redis.call('HSET', KEYS[2], 'grant', grantText(token), 'settled', token, 'outcome', outcome, 'settledAt', nowText, 'newcomers', ARGV[5])",
    after:
      "redis.call('HSET', KEYS[2], 'grant', 0, 'settled', token, 'outcome', outcome, 'settledAt', nowText, 'newcomers', ARGV[5])",
    breaks: "I3",
    harm: "after a settlement grants begin anew when the server's clock has gone back",
    killers: ["packages/cluster/test/scripts/settle.test.ts"],
  },
  {
    name: "everything-is-fresh",
    file: `${SCRIPTS}/join.lua`,
    before:
      "local welcome = newcomer and age >= 0 and (newcomers == 'all' or (newcomers == 'fresh' and age < tonumber(ARGV[8]) * 1000))",
    after: "local welcome = newcomer and age >= 0",
    breaks: "P3",
    harm: "a caller gets an outcome from before its call",
    killers: [CONTRACT],
  },
  {
    name: "owed-whatever-there-is",
    file: `${SCRIPTS}/join.lua`,
    before: "local owed = not newcomer and integer(grantText(settled)) >= firstGrant",
    after: "local owed = not newcomer",
    breaks: "P3",
    harm: "a follower gets the outcome of a flight that was over before it came",
    killers: [CONTRACT],
  },
  {
    name: "old-wake-ups",
    file: `${SRC}/follower.ts`,
    before:
      "if (grantOf(wakeUp.token) >= this.#firstGrant) this.#options.onOutcome(wakeUp.token, wakeUp.outcome);",
    after: "this.#options.onOutcome(wakeUp.token, wakeUp.outcome);",
    breaks: "P3",
    harm: "a follower gets the outcome of a flight that was over before it came",
    killers: [`${SRC}/follower.test.ts`],
  },
  {
    name: "late-callers-served",
    file: `${SRC}/foreign-outcome.ts`,
    before: "const late = settledBy === undefined ? [] : flight.takeLaterThan(settledBy);",
    after: "const late = settledBy === Infinity ? flight.takeLaterThan(settledBy) : [];",
    breaks: "P3",
    harm: "a caller that came after the settlement gets the outcome all the same",
    killers: ["packages/cluster/test/coalescing/late-callers.test.ts"],
  },
  {
    name: "wake-up-of-another-key",
    file: `${SCRIPTS}/includes/publish.lua`,
    before:
      "return { about = about, text = header .. ' ' .. kind .. ' ' .. flightId .. ' ' .. token .. '\\n' .. (outcome or '') }",
    after:
      "return { about = about, text = header .. ' ' .. kind .. ' ' .. KEYS[2] .. ' ' .. token .. '\\n' .. (outcome or '') }",
    breaks: "P2",
    harm: "nobody is woken; all find out by joining again",
    killers: [CONTRACT],
  },
  {
    name: "publish-or-fail",
    file: `${SCRIPTS}/includes/publish.lua`,
    before: "if transport ~= 'l' then redis.pcall('PUBLISH', inboxPrefix .. process, message.text) end",
    after: "if transport ~= 'l' then redis.call('PUBLISH', inboxPrefix .. process, message.text) end",
    breaks: "P4",
    harm: "a settle that may not publish fails half-way, after it has retained",
    killers: ["packages/cluster/test/scripts/permissions.test.ts"],
  },
  {
    name: "home-server-first",
    file: `${SRC}/quorum/quorum-coordinator.ts`,
    before: "await agree(",
    after: "void agree(",
    breaks: "P4",
    harm: "followers are woken for an outcome that no majority retains yet",
    killers: [`${SRC}/quorum/quorum-coordinator.test.ts`],
  },
  {
    name: "wait-for-later-flights",
    file: `${SCRIPTS}/settle.lua`,
    before: "if follower.grant <= grant then",
    after: "if follower.grant < grant then",
    breaks: "P2",
    harm: "no follower is woken by the flight that it follows",
    killers: [CONTRACT],
  },
  {
    name: "settle-once",
    file: `${SRC}/fleet.ts`,
    before: "if (this.#silenced || clock.now() + pauseMs >= until) return undefined;",
    after: "return undefined;",
    breaks: "P1",
    harm: "an outcome whose settle was lost once is produced again",
    killers: [`${SRC}/fleet.test.ts`],
  },
  {
    name: "believe-any-signature",
    file: `${SRC}/signatures.ts`,
    before: 'if (!timingSafeEqual(expected, Buffer.from(digest, "base64url"))) return "signature";',
    after: 'if (expected.length !== Buffer.from(digest, "base64url").length) return "signature";',
    breaks: "I7",
    harm: "whoever can write to Redis can forge outcomes in spite of secrets",
    killers: [SIGNATURES],
  },
  {
    name: "signed-for-ever",
    file: `${SRC}/signatures.ts`,
    before: 'return nowMs !== undefined && nowMs <= Number.parseInt(expiry, 36) ? undefined : "expired";',
    after: "return undefined;",
    breaks: "I7",
    harm: "a signed outcome can be put back for ever",
    killers: [SIGNATURES],
  },
  {
    name: "anybodys-envelope",
    file: `${SRC}/envelope.ts`,
    before: 'if (nonce === "" || nonce !== options.nonce) return { ok: false, why: "identity" };',
    after: 'if (nonce === "") return { ok: false, why: "identity" };',
    breaks: "I7",
    harm: "the outcome of one flight is taken for that of another",
    killers: [ENVELOPE],
  },
  {
    name: "damage-unnoticed",
    file: `${SRC}/envelope.ts`,
    before:
      "if (checksum !== checksumOf(header, payload) || takeovers === undefined || !/^\\d{1,6}$/.test(takeovers)) {",
    after: "if (takeovers === undefined || !/^\\d{1,6}$/.test(takeovers)) {",
    breaks: "I7",
    harm: "a flipped bit makes another value",
    killers: [ENVELOPE],
  },
];
