/**
 * Shadow mode: the work runs at once in this process, as without Skein's cluster, while the protocol is flown beside it
 * to count what it would have saved. Never waits, and never hands out another process's outcome.
 */
import { background, type Story } from "@skein/core/internal";
import { FlightUnwantedError } from "@skein/core";
import { answerCallers } from "./answer-callers.ts";
import type { Claim, RenewRequest } from "./coordinator.ts";
import { Farewells } from "./farewells.ts";
import type { RenewalAnswer } from "./fleet.ts";
import { joinRequest } from "./join-request.ts";
import type { Lease } from "./lease-keeper.ts";
import type { Outcome } from "./outcome.ts";
import type { ParticipationOptions } from "./participation-options.ts";

const NONCE_LENGTH = 12;

export class Shadow {
  readonly #options: ParticipationOptions;
  readonly #nonce: string;
  readonly #farewells: Farewells;
  #outcome: Outcome | undefined;
  #token: string | undefined;
  #lease: Lease<RenewRequest, RenewalAnswer> | undefined;

  constructor(options: ParticipationOptions) {
    this.#options = options;
    this.#nonce = options.fleet.options.randomness.identifier(NONCE_LENGTH);
    this.#farewells = new Farewells(options.fleet, options.policy, options.name);
  }

  start(): void {
    const { fleet, flight, policy } = this.#options;
    const story: Story = { role: "local", flightId: flight.localId, takeovers: 0 };
    flight.ageLimitMs = policy.maxAgeMs;
    const finish = (outcome: Outcome): void => {
      answerCallers(flight, outcome, story);
      this.#outcome = outcome;
      this.#settle();
      this.#options.onOver();
    };
    const context = { key: flight.key, flightId: flight.localId, takeovers: 0 };
    background(
      flight.execute(flight.work, context).then(
        (value) => finish({ kind: "value", value }),
        (error: unknown) => finish({ kind: "error", error }),
      ),
    );
    if (fleet.options.availabilityOf(this.#options.name).obstacle() === undefined) background(this.#join());
  }

  onUnwanted(): void {
    this.#options.flight.abort(new FlightUnwantedError());
  }

  onReplaced(reason: Error): void {
    this.#options.flight.abort(reason);
  }

  onClosed(reason: Error): void {
    const { flight } = this.#options;
    flight.fail(reason, { role: "local", flightId: flight.localId, takeovers: 0 }, "closed");
    flight.abort(reason);
    if (this.#token !== undefined) this.#resign({ token: this.#token });
    this.#token = undefined;
  }

  async #join(): Promise<void> {
    const { fleet, policy, flight, name } = this.#options;
    const { leaseMs, renewEveryMs, maxTakeovers } = policy;
    // Nobody waits for what is found, so nothing retained is asked for.
    const terms = {
      ...joinRequest({ fleet, policy, name }, this.#nonce, undefined),
      freshMs: 0,
      takesOver: true,
    };
    const answer = await fleet.join(terms);
    if ("failure" in answer) {
      if (answer.failure.sent) this.#resign({ nonce: this.#nonce });
      return;
    }
    const { reply, sentAt } = answer;
    if (reply.status === "lead") {
      this.#token = reply.token;
      const listener = { onRenewed() {}, onLost() {}, onExpired() {} };
      const request = { flight: name, token: reply.token, leaseMs, maxTakeovers };
      this.#lease = fleet.leases.hold(request, { leaseMs, renewEveryMs }, sentAt, listener);
      // The work may have been faster than the join.
      this.#settle();
    } else if (reply.status === "follow") {
      fleet.emit({ type: "shadow-saved", ...flight.table.about(flight.key, reply.token) });
      background(this.#farewells.leave(this.#nonce));
    }
  }

  #settle(): void {
    const { policy, flight } = this.#options;
    if (this.#token === undefined || this.#outcome === undefined) return;
    const claim = { token: this.#token };
    this.#token = undefined;
    this.#lease?.release();
    const withheld = this.#outcome.kind === "error" && !policy.sharesError(this.#outcome.error);
    if (flight.aborted || withheld) this.#resign(claim);
    else background(this.#farewells.settle(claim, this.#nonce, this.#outcome, 0).reply);
  }

  #resign(claim: Claim): void {
    this.#lease?.release();
    background(this.#farewells.resign(claim));
  }
}
