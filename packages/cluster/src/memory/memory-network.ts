/** What lies between the processes and the server: by default nothing; in a simulation whatever goes wrong there. */
import type { Clock } from "@skein/core";

export interface Packet {
  /** The process that sent it, or that it is for. */
  readonly process: string;
  readonly kind:
    | "request"
    | "reply"
    /** A wake-up on its way to an inbox. */
    | "message";
}

export interface MemoryNetwork {
  /**
   * When each copy of a packet arrives, in ms from now. None: it is lost. More than one: it arrives repeatedly. Packets
   * with different delays overtake each other, as they do on different connections.
   */
  copies(packet: Packet): readonly number[];
}

/** Every packet arrives once, as soon as the current task is done. */
export const perfectNetwork: MemoryNetwork = { copies: () => [0] };

/** Carries a packet: `arrive` is called once for each copy, never at once. */
export function carry(network: MemoryNetwork, clock: Clock, packet: Packet, arrive: () => void): void {
  for (const delayMs of network.copies(packet)) {
    if (delayMs <= 0) queueMicrotask(arrive);
    else clock.setTimer(arrive, delayMs, { unref: true });
  }
}
