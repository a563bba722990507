/** A bar that a figure of this run has to clear. Whether it does is computed here and nowhere else. */

export interface Bar {
  readonly claim: string;
  readonly rule: string;
  /** `null`: not measured, which is not met. */
  readonly figure: number | null;
  /** `null`: a figure that is only reported. */
  readonly met: boolean | null;
  /** What has to be said beside it. */
  readonly remark?: string;
}

type Bound = { readonly atLeast: number } | { readonly atMost: number } | { readonly below: number };

export function bar(claim: string, figure: number | null, bound: Bound, remark?: string): Bar {
  const known = figure !== null && !Number.isNaN(figure);
  const said = remark === undefined ? {} : { remark };
  if ("atLeast" in bound) {
    return {
      claim,
      rule: `>= ${brief(bound.atLeast)}`,
      figure,
      met: known && figure >= bound.atLeast,
      ...said,
    };
  }
  if ("atMost" in bound) {
    return {
      claim,
      rule: `<= ${brief(bound.atMost)}`,
      figure,
      met: known && figure <= bound.atMost,
      ...said,
    };
  }
  return { claim, rule: `< ${brief(bound.below)}`, figure, met: known && figure < bound.below, ...said };
}

/** A figure without a bar. */
export function reported(claim: string, figure: number, remark?: string): Bar {
  return { claim, rule: "reported", figure, met: null, ...(remark === undefined ? {} : { remark }) };
}

export function verdictOn({ met }: Bar): string {
  if (met === null) return "";
  return met ? "met" : "not met";
}

function brief(bound: number): string {
  return String(Number(bound.toPrecision(4)));
}

/** Three significant digits, no exponent. */
export function formatFigure(figure: number | null): string {
  if (figure === null || !Number.isFinite(figure)) return figure === null ? "not measured" : String(figure);
  if (figure === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(figure))));
  return figure.toFixed(Math.min(digits, 6));
}
