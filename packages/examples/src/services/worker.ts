/**
 * Skein in a plain worker: jobs that need the same expensive input share one execution of it, here and in the other
 * workers of the deployment. Ends when its signal is aborted, after the job under way.
 */
import type { Coalescer } from "@skein/core";
import type { LoadReport } from "./report.ts";

export interface Job {
  readonly id: number;
  readonly day: string;
}

export interface WorkerOptions {
  readonly flights: Coalescer;
  readonly loadReport: LoadReport;
  readonly jobs: AsyncIterable<Job>;
  readonly finished: (job: Job, total: number) => void;
  readonly failed: (job: Job, error: unknown) => void;
  readonly signal: AbortSignal;
}

export async function runWorker({
  flights,
  loadReport,
  jobs,
  finished,
  failed,
  signal,
}: WorkerOptions): Promise<void> {
  for await (const job of jobs) {
    if (signal.aborted) break;
    try {
      const report = await flights.do(`report:${job.day}`, (flight) => loadReport(job.day, flight), {
        signal,
      });
      finished(job, report.total);
    } catch (error) {
      failed(job, error);
    }
  }
}
