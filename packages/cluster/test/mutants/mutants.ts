/** All mutants, in the order in which they are tried. */
import { ELECTION_MUTANTS } from "./elections.ts";
import type { Mutant } from "./mutant.ts";
import { OUTCOME_MUTANTS } from "./outcomes.ts";
import { WAIT_MUTANTS } from "./waits.ts";

export const MUTANTS: readonly Mutant[] = [...ELECTION_MUTANTS, ...OUTCOME_MUTANTS, ...WAIT_MUTANTS];
