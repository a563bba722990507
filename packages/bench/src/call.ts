/** What all contenders have in common, in one process and across several. */

/** What is to be executed once for all concurrent calls of a key. */
export type Load = (key: string) => Promise<unknown>;

/** One call of a key. */
export type Call = (key: string) => Promise<unknown>;
