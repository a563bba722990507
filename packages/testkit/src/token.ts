/** What a token tells: its grant grows with the elections of a key, and is the server's time in microseconds. */

/** @throws RangeError for what is no token. */
export function grantOf(token: string): number {
  const grant = Number.parseInt(token, 10);
  if (Number.isNaN(grant)) throw new RangeError(`There is no grant in the token ${JSON.stringify(token)}.`);
  return grant;
}
