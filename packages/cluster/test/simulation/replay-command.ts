/** How a person plays one seed again. */
export function replayCommand(seed: number): string {
  return `./scripts/simulation --seed ${seed}`;
}
