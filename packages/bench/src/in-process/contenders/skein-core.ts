/**
 * `Singleflight` of @skein/core, with room for the keys in flight: as it comes, with the re-entrancy check off (what the
 * peers do not check either), with an observer, and with a signal from every caller. Work is told its key, so one function
 * serves all calls.
 */
import { Singleflight, type SingleflightOptions, type Work } from "@skein/core";
import type { InProcessContender } from "../contender.ts";

function skein(name: string, configuration: string, options: SingleflightOptions): InProcessContender {
  return {
    name,
    configuration,
    module: import.meta.url,
    open(load, maxKeys) {
      const flights = new Singleflight({ ...options, maxEntries: maxKeys + 1 });
      const work: Work<unknown> = (_signal, { key }) => load(key);
      return (key) => flights.do(key, work);
    },
  };
}

export const skeinUnchecked: InProcessContender = skein("skein, check off", "detectReentry: false", {
  detectReentry: false,
});

export const skeinChecked: InProcessContender = skein("skein", "defaults", {});

export const skeinObserved: InProcessContender = skein("skein, observed", "defaults, one observer", {
  observer: { onEvent: () => undefined },
});

export const skeinAbortable: InProcessContender = {
  name: "skein, abortable",
  configuration: "defaults, a signal from every caller",
  module: import.meta.url,
  open(load, maxKeys) {
    const flights = new Singleflight({ maxEntries: maxKeys + 1 });
    const work: Work<unknown> = (_signal, { key }) => load(key);
    return (key) => flights.do(key, work, { signal: new AbortController().signal });
  },
};
