/** What coalesces calls inside one process. Each contender's file says which configuration it got, and why that is its best. */

/** What is to be executed once for all concurrent calls of a key. */
export type Load = (key: string) => Promise<unknown>;

/** One call of a key. */
export type Call = (key: string) => Promise<unknown>;

export interface InProcessContender {
  readonly name: string;
  /** For the table. */
  readonly configuration: string;
  /** `maxKeys`: so many keys are in flight at once; a cache that must not remember needs to know. */
  open(load: Load, maxKeys: number): Call;
}
