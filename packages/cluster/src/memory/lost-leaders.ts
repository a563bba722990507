/**
 * How many leaders of a flight were lost one after the other. A death is presumed once per lapse, and withdrawn once by
 * a sign of life of the same leader: a slow leader is not a dead one.
 */
export class LostLeaders {
  #takeovers = 0;
  #abandonedUntilUs = 0;
  readonly #presumedDead = new Set<string>();

  /** As `maxTakeovers` counts them. */
  get takeovers(): number {
    return this.#takeovers;
  }

  /** Server time; 0 when the limit has not been found passed since the last loss that was owned up to. */
  get abandonedUntilUs(): number {
    return this.#abandonedUntilUs;
  }

  /** Tokens whose death was counted and may yet be withdrawn. */
  get presumedDead(): Iterable<string> {
    return this.#presumedDead;
  }

  /** True if this death was not counted before. */
  presume(token: string): boolean {
    if (this.#presumedDead.has(token)) return false;
    this.#presumedDead.add(token);
    this.own();
    return true;
  }

  withdraw(token: string): void {
    if (this.#presumedDead.delete(token)) this.#takeovers = Math.max(0, this.#takeovers - 1);
  }

  /** A leader that says itself that it is no good. An abandonment that is over is none for this loss. */
  own(): void {
    this.#takeovers++;
    this.#abandonedUntilUs = 0;
  }

  abandonUntil(momentUs: number): void {
    this.#abandonedUntilUs = momentUs;
  }

  /** A probe has everything before it behind it; its own loss passes the limit again. */
  admitProbe(maxTakeovers: number): void {
    this.#takeovers = maxTakeovers;
    this.#presumedDead.clear();
  }

  clear(): void {
    this.#takeovers = 0;
    this.#abandonedUntilUs = 0;
    this.#presumedDead.clear();
  }
}
