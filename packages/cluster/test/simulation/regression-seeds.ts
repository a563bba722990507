/**
 * Seeds whose run once broke an invariant, and what was wrong then: with the product, or with a judgement that was too
 * strict. They are played in every test run. A seed stands for a scenario as `scenario.ts` makes it; whoever changes that
 * changes what these seeds stand for.
 */
export const REGRESSION_SEEDS: readonly (readonly [seed: number, what: string])[] = [
  [28, "a probe of the breaker whose resignation is lost left a record for more than eight minutes"],
  [954, "a process in shadow mode succeeds a leader that is stopped, and somebody else leads after it"],
  [1490, "the answer to a resignation is lost, and a successor is elected before it is repeated"],
  [4031, "a probe of an abandoned key dies, and a follower that does not take over is the first to find out"],
  [
    7930,
    "a repeated join is granted the token of its first election again, by a server without data or time",
  ],
  [40471, "a process is killed while a call of its waits for the inbox, and says nothing any more"],
  [
    9614,
    "a leader whose loss was counted and withdrawn before is succeeded in silence, since nothing is counted",
  ],
];
