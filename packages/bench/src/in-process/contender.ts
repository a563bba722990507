/** What coalesces calls inside one process. Each contender's file says which configuration it got, and why that is its best. */

import type { Call, Load } from "../call.ts";

export interface InProcessContender {
  readonly name: string;
  /** For the table. */
  readonly configuration: string;
  /** The file that it is in, as a URL: its process imports nothing of the others, whose weight would slow it down. */
  readonly module: string;
  /** `maxKeys`: so many keys are in flight at once; a cache that must not remember needs to know. */
  open(load: Load, maxKeys: number): Call;
}
