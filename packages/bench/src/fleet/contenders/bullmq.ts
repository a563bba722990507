/**
 * BullMQ: the key is the job's id, so that one job runs for all who add it, and `waitUntilFinished` brings its result. A worker
 * in every process; the bare Map in front, since each call costs several commands. Locks of 5 s and a look for stalled jobs
 * as often, in place of 30 s. Ids must not contain colons.
 */
import { Queue, QueueEvents, Worker } from "bullmq";
import { behindMap } from "../behind-map.ts";
import { LOCK_MS, type FleetContender } from "../contender.ts";

const CONCURRENCY = 1_000;
const MAX_WAIT_MS = 60_000;
const QUEUE = "loads";

/** What fails is seen where it is asked for. */
const ignore = (): void => undefined;

export const bullmq: FleetContender = {
  name: "BullMQ",
  configuration: "jobId + waitUntilFinished behind a Map, a worker in every process",
  async join(url, load) {
    const connection = { url, maxRetriesPerRequest: null };
    const queue = new Queue(QUEUE, { connection });
    const events = new QueueEvents(QUEUE, { connection });
    const worker = new Worker(QUEUE, async ({ name }) => load(name), {
      connection,
      concurrency: CONCURRENCY,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS,
    });
    queue.on("error", ignore);
    events.on("error", ignore);
    worker.on("error", ignore);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady(), worker.waitUntilReady()]);
    return behindMap(async (key) => {
      const job = await queue.add(key, null, { jobId: key.replaceAll(":", "-") });
      return job.waitUntilFinished(events, MAX_WAIT_MS) as Promise<unknown>;
    });
  },
};
