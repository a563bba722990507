/** One line of the protocol, made wrong: what it would cost, and which tests would tell. */

/** A promise of docs/GUARANTEES.md, or an invariant that the history checker knows. */
export type BrokenPromise = `${"P" | "I"}${number}`;

export interface Mutant {
  /** In a word or two, unique: for `--only`. */
  readonly name: string;
  /** From the root of the repository. */
  readonly file: string;
  /** The line as it is, without its indentation: once in the file, or the list is out of date. */
  readonly before: string;
  /** Where it stands more than once: the first below this line is meant, which stands once. */
  readonly below?: string;
  /** The line as it would be. */
  readonly after: string;
  readonly breaks: BrokenPromise;
  /** What would happen, in a few words. */
  readonly harm: string;
  /** Test files that have to tell, from the root; the smallest that do. */
  readonly killers: readonly string[];
}

/** @throws when the line does not stand exactly once in the source. */
export function mutated(source: string, { name, file, before, below, after }: Mutant): string {
  const lines = source.split("\n");
  const placesOf = (text: string): number[] => {
    return lines.flatMap((line, index) => (line.trim() === text ? [index] : []));
  };
  const theOnly = (text: string, places: readonly number[]): number => {
    const [place] = places;
    if (place !== undefined && places.length === 1) return place;
    throw new Error(`${name}: this line stands ${places.length} times in ${file}, not once: ${text}`);
  };
  const anchor = below === undefined ? -1 : theOnly(below, placesOf(below));
  const places = placesOf(before).filter((index) => index > anchor);
  const place = theOnly(before, below === undefined ? places : places.slice(0, 1));
  const indentation = /^\s*/.exec(lines[place] ?? "")?.[0] ?? "";
  return lines.with(place, indentation + after).join("\n");
}
