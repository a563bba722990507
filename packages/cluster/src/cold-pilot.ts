/**
 * Flies the flights of keys without a declared prefix: in this process only, as core does, and without any Redis traffic.
 * Its callers are told that the run is local because nothing else was asked for, not because something failed.
 */
import { background, localPilot, type Pilot, type Story } from "@skein/core/internal";

export const coldPilot: Pilot = {
  ...localPilot,

  launch(flight) {
    const story: Story = { ...flight.localStory(), fallbackReason: null };
    const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
    background(
      flight.execute(flight.work, context).then(
        (value) => flight.land(value, story),
        (error: unknown) => flight.fail(error, story),
      ),
    );
  },
};
