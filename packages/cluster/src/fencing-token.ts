/**
 * The identity of one election: `<grant>-<process id>-<nonce>`. Opaque to users and compared whole; only its grant is a
 * number, and grows with elections of a key as long as the server keeps its data and its clock. That is all it promises.
 */

/** What a token says of itself; `undefined` for text that is not a token. */
export interface TokenParts {
  readonly grant: number;
  readonly process: string;
  readonly nonce: string;
}

export function parseToken(token: string): TokenParts | undefined {
  const match = /^(\d{1,16})-([0-9a-z]+)-([0-9a-z]+)$/.exec(token);
  const [, grant, process, nonce] = match ?? [];
  if (grant === undefined || process === undefined || nonce === undefined) return undefined;
  return { grant: Number(grant), process, nonce };
}

/** The grant of a token; 0, below every real grant, for text that is not a token. */
export function grantOf(token: string): number {
  return parseToken(token)?.grant ?? 0;
}
