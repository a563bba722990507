/** What a flight yields, as its callers and other processes see it. */

/** Why an outcome stays in its process: too large, or impossible to encode. */
export type UnshareableWhy = "oversize" | "not-encodable";

export type Outcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: unknown }
  | { readonly kind: "unshareable"; readonly why: UnshareableWhy };
