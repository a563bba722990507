/**
 * What a flight of the fleet takes beside what Redis takes anyway: PING, a message from PUBLISH to its callback, a cache's GET
 * and SETEX. All in one process with one Redis, one after the other, in another order every round.
 */
import { createCache, type Cache } from "@skein/cache";
import { ClusterSingleflight, type ClusterEvent } from "@skein/cluster";
import { RedisServer, SeededRandom } from "@skein/testkit";
import type { Redis } from "ioredis";
import { bar } from "../report/bar.ts";
import type { Findings, Pace, Section } from "../report/section.ts";
import { ratios, spreadOf } from "../sample.ts";

const ROUNDS: Record<Pace, number> = { tiny: 3, quick: 400, full: 2_000 };
const WARM_UP_ROUNDS: Record<Pace, number> = { tiny: 1, quick: 200, full: 500 };
const VALUE = "x".repeat(200);
const TTL_S = 60;
const CHANNEL = "floor";

const STEPS = [
  "PING",
  "PUBLISH to callback",
  "GET + SETEX",
  "led flight, answered",
  "led flight, settled",
  "fused miss, answered",
  "fused miss, written",
  "wake-up",
  "wake-up, from the end of the work",
] as const;
type Step = (typeof STEPS)[number];
type Times = Readonly<Record<Step, number>>;

export const floorSection: Section = {
  name: "floor",
  title: "Beside what Redis takes anyway",
  async run(pace, progress) {
    await using course = await Course.open();
    progress(`${WARM_UP_ROUNDS[pace]} rounds to warm up`);
    for (let round = 0; round < WARM_UP_ROUNDS[pace]; round++) await course.run(`warm:${round}`);
    progress(`${ROUNDS[pace]} rounds`);
    const rounds: Times[] = [];
    for (let round = 0; round < ROUNDS[pace]; round++) rounds.push(await course.run(`timed:${round}`));
    return findings(rounds);
  },
};

class Course implements AsyncDisposable {
  readonly #redis: RedisServer;
  readonly #client: Redis;
  readonly #leader: ClusterSingleflight;
  readonly #follower: ClusterSingleflight;
  readonly #cache: Cache;
  readonly #occurrences: Occurrences;
  readonly #random = new SeededRandom("floor");
  #heard: () => void = () => undefined;
  /** When an outcome was last encoded, which is the first that is done to send it. */
  #encodedAt = 0;

  private constructor(redis: RedisServer, occurrences: Occurrences) {
    this.#redis = redis;
    this.#occurrences = occurrences;
    this.#client = redis.client();
    // Nothing is to be measured but what a call causes: no re-joins of followers, no timeouts of a busy machine.
    const codec = {
      encode: (value: unknown): string => {
        this.#encodedAt = performance.now();
        return JSON.stringify(value);
      },
      decode: (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString()),
    };
    const prefixes = { "k:": {}, "w:": { codec } };
    const options = { redis: redis.url, prefixes, pollEveryMs: 60_000, redisTimeoutMs: 10_000 };
    this.#leader = new ClusterSingleflight({ ...options, observer: occurrences });
    this.#follower = new ClusterSingleflight({ ...options, observer: occurrences });
    this.#cache = createCache({ flights: this.#leader, ttlMs: TTL_S * 1_000 });
  }

  static async open(): Promise<Course> {
    const redis = await RedisServer.start();
    const course = new Course(redis, new Occurrences());
    await Promise.all([course.#leader.ready(), course.#follower.ready()]);
    const subscriber = redis.client();
    await subscriber.subscribe(CHANNEL);
    subscriber.on("message", () => course.#heard());
    return course;
  }

  /** Each step once, in another order every time: what follows a PING finds Redis awake, what follows a pause does not. */
  async run(name: string): Promise<Times> {
    const client = this.#client;
    const times: Partial<Record<Step, number>> = {};
    const steps: readonly (() => Promise<void>)[] = [
      async () => {
        times.PING = await timed(() => client.ping());
      },
      async () => {
        const heard = new Promise<void>((resolve) => (this.#heard = resolve));
        const beganAt = performance.now();
        const published = client.publish(CHANNEL, VALUE);
        await heard;
        times["PUBLISH to callback"] = performance.now() - beganAt;
        await published;
      },
      async () => {
        times["GET + SETEX"] = await timed(async () => {
          await client.get(`plain:${name}`);
          await client.setex(`plain:${name}`, TTL_S, VALUE);
        });
      },
      async () => {
        const led = await this.#settling(() => this.#leader.do(`k:led:${name}`, () => VALUE));
        times["led flight, answered"] = led.answeredMs;
        times["led flight, settled"] = led.settledMs;
      },
      async () => {
        const missed = await this.#settling(() => this.#cache.get(`k:fused:${name}`, () => VALUE));
        times["fused miss, answered"] = missed.answeredMs;
        times["fused miss, written"] = missed.settledMs;
      },
      async () => {
        const woken = await this.#wakeUp(`w:${name}`);
        times["wake-up"] = woken.sinceSettleMs;
        times["wake-up, from the end of the work"] = woken.sinceWorkMs;
      },
    ];
    for (const step of this.#random.shuffled(steps)) await step();
    return times as Times;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#leader, this.#follower].map((flights) => flights.close({ drainMs: 0 })));
    await this.#redis.stop();
  }

  /** Until its caller has the value, and until Redis has confirmed the outcome. */
  async #settling(call: () => Promise<unknown>): Promise<{ answeredMs: number; settledMs: number }> {
    const settled = this.#occurrences.next("settle-accepted");
    const beganAt = performance.now();
    await call();
    const answeredMs = performance.now() - beganAt;
    await settled;
    return { answeredMs, settledMs: performance.now() - beganAt };
  }

  /** To the answer of the follower's caller: from when the leader sends its settle, and from when its work ends. */
  async #wakeUp(key: string): Promise<{ sinceSettleMs: number; sinceWorkMs: number }> {
    const outcome = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<void>();
    const [follows, settled] = [this.#occurrences.next("follow"), this.#occurrences.next("settle-accepted")];
    const led = this.#leader.do(key, () => {
      begun.resolve();
      return outcome.promise;
    });
    await begun.promise;
    const answer = this.#follower.do(key, () => "own");
    await follows;
    const endedAt = performance.now();
    outcome.resolve(VALUE);
    await answer;
    const answeredAt = performance.now();
    await Promise.all([led, settled]);
    return { sinceSettleMs: answeredAt - this.#encodedAt, sinceWorkMs: answeredAt - endedAt };
  }
}

/** Waits for events of the coalescers. */
class Occurrences {
  readonly #waiting = new Map<string, () => void>();

  next(type: ClusterEvent["type"]): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(type, resolve));
  }

  onEvent({ type }: ClusterEvent): void {
    this.#waiting.get(type)?.();
  }
}

async function timed(step: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now();
  await step();
  return performance.now() - beganAt;
}

function findings(rounds: readonly Times[]): Findings {
  const of = (step: Step): number[] => rounds.map((times) => times[step]);
  const beside = (step: Step, reference: Step): number =>
    spreadOf(of(step)).median / spreadOf(of(reference)).median;
  return {
    tables: [
      {
        title: "One thing at a time",
        note: `Medians of ${rounds.length} rounds as multiples, quartiles of the ratio within a round in parentheses. A led flight is answered after its join and settled after a second trip, which its caller does not wait for; a wake-up is from when the leader begins to encode and send its outcome to the answer of the follower's caller, and from the end of the work.`,
        columns: ["", "of PING", "of PUBLISH to callback", "of GET + SETEX"],
        rows: STEPS.map((step) => [
          step,
          ...(["PING", "PUBLISH to callback", "GET + SETEX"] as const).map((reference) => {
            const { low, high } = spreadOf(ratios(of(step), of(reference)));
            return `${beside(step, reference).toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
          }),
        ]),
      },
    ],
    plots: [],
    bars: [
      bar("wake-up beside PUBLISH to callback", beside("wake-up", "PUBLISH to callback"), { atMost: 2 }),
      bar("led flight, answered, beside GET + SETEX", beside("led flight, answered", "GET + SETEX"), {
        atMost: 1.6,
      }),
      bar("fused miss, answered, beside GET + SETEX", beside("fused miss, answered", "GET + SETEX"), {
        atMost: 1.4,
      }),
      bar("led flight, settled, beside GET + SETEX", beside("led flight, settled", "GET + SETEX"), {
        atMost: 1.6,
      }),
      bar("fused miss, written, beside GET + SETEX", beside("fused miss, written", "GET + SETEX"), {
        atMost: 1.4,
      }),
    ],
    figures: Object.fromEntries(STEPS.map((step) => [step, spreadOf(of(step))])),
  };
}
