/**
 * The child's half of a flier: serves the parent's calls until the parent is gone. What nobody catches ends the process,
 * as it would in a service.
 */
import {
  type FlierEvent,
  type FromFlier,
  packError,
  type ToFlier,
  withClonableFields,
} from "./flier-messages.ts";

export type FlierHandlers = Readonly<Record<string, (...args: never[]) => unknown>>;
export type FlierPreparation<Config> = (
  config: Config,
  emit: (event: FlierEvent) => void,
) => FlierHandlers | Promise<FlierHandlers>;

/**
 * Calls `prepare` with the parent's configuration, then serves the handlers that it returns, by name; calls run side by
 * side. `emit` tells the parent what happens. To be called once, by the script given to `Flier.start`; throws when this
 * process has no such parent.
 */
export async function serveFlier<Config = unknown>(prepare: FlierPreparation<Config>): Promise<void> {
  if (process.send === undefined) throw new Error("A flier is started by Flier.start, not by hand.");
  process.once("disconnect", () => process.exit());
  const prepared = Promise.withResolvers<FlierHandlers>();
  // Both sides look at it: the first call, and this function.
  prepared.promise.catch(() => undefined);

  const start = async (config: Config): Promise<void> => {
    try {
      prepared.resolve(
        await prepare(config, (event) => tell({ kind: "event", event: withClonableFields(event) })),
      );
      await prepared.promise;
      tell({ kind: "ready" });
    } catch (error) {
      prepared.reject(error);
      tell({ kind: "error", id: null, error: packError(error) });
    }
  };
  const serve = async (message: Exclude<ToFlier, { kind: "start" }>): Promise<void> => {
    const handler = pickHandler(await prepared.promise, message.method);
    if (message.kind === "send") {
      await handler(...message.args);
      return;
    }
    try {
      tell({ kind: "value", id: message.id, value: await handler(...message.args) });
    } catch (error) {
      tell({ kind: "error", id: message.id, error: packError(error) });
    }
  };
  process.on("message", (message: ToFlier) => {
    const serving = message.kind === "start" ? start(message.config as Config) : serve(message);
    // Only a "send" can fail here, and nobody waits for it: it ends the process.
    serving.catch((error: unknown) => {
      process.nextTick(() => {
        throw error;
      });
    });
  });
  await prepared.promise;
}

function pickHandler(handlers: FlierHandlers, method: string): (...args: readonly unknown[]) => unknown {
  const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
  if (handler !== undefined) return handler as (...args: readonly unknown[]) => unknown;
  return () => {
    throw new TypeError(`The flier has no ${method}, only ${Object.keys(handlers).join(", ")}.`);
  };
}

function tell(message: FromFlier): void {
  // Without a callback, a channel that closes meanwhile would be an error that nobody handles.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
