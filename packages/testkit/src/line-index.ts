/**
 * The lines of a history by what they are about, so that a long one is not read anew for every question. A history does
 * not change once it is asked about.
 */
import type { HistoryLine } from "./history.ts";

/** What a line is filed under; `undefined`: it is not filed. */
export type Aspect = (line: HistoryLine) => string | undefined;

const files = new WeakMap<readonly HistoryLine[], Map<Aspect, ReadonlyMap<string, HistoryLine[]>>>();

/** The lines that are filed under `value`, in the order of the history, which is read once for each aspect. */
export function linesWith(
  history: readonly HistoryLine[],
  aspect: Aspect,
  value: string,
): readonly HistoryLine[] {
  const aspects = files.get(history) ?? new Map<Aspect, ReadonlyMap<string, HistoryLine[]>>();
  files.set(history, aspects);
  let lines = aspects.get(aspect);
  if (lines === undefined) {
    lines = fileBy(history, aspect);
    aspects.set(aspect, lines);
  }
  return lines.get(value) ?? [];
}

function fileBy(history: readonly HistoryLine[], aspect: Aspect): ReadonlyMap<string, HistoryLine[]> {
  const lines = new Map<string, HistoryLine[]>();
  for (const line of history) {
    const value = aspect(line);
    if (value === undefined) continue;
    const present = lines.get(value);
    if (present === undefined) lines.set(value, [line]);
    else present.push(line);
  }
  return lines;
}
