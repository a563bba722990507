/** One direction of a proxied connection: bytes in their order, perhaps late, perhaps never. */
import type { Socket } from "node:net";

/** What is waiting beyond this makes the source wait, as a full socket buffer would. */
const MAX_WAITING_BYTES = 1_048_576;

/** How a pipe treats the bytes that come now; asked anew for each chunk. */
export interface PipeFault {
  readonly delayMs: number;
  /** Bytes stay here until this is over. */
  readonly hold: boolean;
}

interface Waiting {
  /** undefined: the end of the stream. */
  readonly chunk: Buffer | undefined;
  readonly dueMs: number;
}

export class ProxyPipe {
  /** Delivered, not merely received. */
  bytes = 0;
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #fault: () => PipeFault;
  #queue: Waiting[] = [];
  #waitingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: Socket, destination: Socket, fault: () => PipeFault) {
    this.#source = source;
    this.#destination = destination;
    this.#fault = fault;
    destination.on("drain", () => this.flush());
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  push(chunk: Buffer): void {
    this.#waitingBytes += chunk.length;
    this.#add(chunk);
    if (this.#waitingBytes > MAX_WAITING_BYTES) this.#source.pause();
  }

  /** The source ended; the destination will, after the bytes before. */
  end(): void {
    this.#add(undefined);
  }

  /** Delivers what is due; to be called when a fault is over. */
  flush(): void {
    clearTimeout(this.#timer);
    while (this.#queue[0] !== undefined && !this.#fault().hold && !this.#destination.writableNeedDrain) {
      const { chunk, dueMs } = this.#queue[0];
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) {
        // A timer may fire up to a millisecond early: it is set again then.
        this.#timer = setTimeout(() => this.flush(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(chunk);
    }
    if (this.#waitingBytes <= MAX_WAITING_BYTES) this.#source.resume();
  }

  /** Loses what has not been delivered. */
  drop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#waitingBytes = 0;
    this.#source.resume();
  }

  #add(chunk: Buffer | undefined): void {
    // What falls due before something that came earlier waits for that: only the first in the queue is looked at.
    this.#queue.push({ chunk, dueMs: performance.now() + this.#fault().delayMs });
    if (this.#queue.length === 1) this.flush();
  }

  #deliver(chunk: Buffer | undefined): void {
    if (chunk === undefined) {
      this.#destination.end();
      return;
    }
    this.#waitingBytes -= chunk.length;
    this.bytes += chunk.length;
    if (this.#destination.writable) this.#destination.write(chunk);
  }
}
