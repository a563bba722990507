/** A child for the tests of the history: records, tells, and is killed meanwhile. Run as a child; never imported. */
import { serveFlier } from "../../src/flier-child.ts";
import { HistoryWriter } from "../../src/history.ts";

await serveFlier<{ directory: string }>(({ directory }, emit) => {
  const writer = new HistoryWriter(directory, "recorder");
  let call = 0;
  const record = (): void => {
    for (let round = 0; round < 50; round++) {
      call++;
      writer.record({ ev: "call", key: "k".repeat(1_000), call: String(call) });
    }
    emit({ type: "recorded", call });
    setImmediate(record);
  };
  return { record };
});
