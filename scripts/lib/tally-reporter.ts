// Counts what vitest ran, for the closing line of the scripts. A suite that failed outside its tests (an import, a
// hook) and an error that nobody caught count as one failure each: none of them may hide behind passed tests.

import { appendFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    let skipped = 0;
    for (const module of modules) {
      failed += module.errors().length;
      for (const suite of module.children.allSuites()) failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped++;
      }
    }
    if (skipped > 0) console.error(`${skipped} tests were not run (skipped, or their suite failed).`);
    const file = process.env["SKEIN_TALLY_FILE"];
    if (file === undefined) console.log(`${passed} passed, ${failed} failed`);
    else appendFileSync(file, `${passed} ${failed}\n`);
  }
}
