/** What the servers of a quorum say to a renewal or a settlement, taken together. */
import type { RenewReply, SettleReply } from "../coordinator.ts";
import { firstError, isAnswer } from "./answers.ts";

/** The replies of all servers to one item of a batch. */
export function repliesTo(
  index: number,
  batches: readonly (readonly (RenewReply | Error)[] | Error)[],
): readonly (RenewReply | Error)[] {
  return batches.map((batch) => (isAnswer(batch) ? (batch[index] ?? new Error("no answer")) : batch));
}

/** An Error while no majority says one thing or the other. */
export function tallyRenewal(replies: readonly (RenewReply | Error)[], majority: number): RenewReply | Error {
  const heard = replies.filter(isAnswer);
  const held = heard.flatMap((reply) => (reply.status === "held" ? [reply.followers] : []));
  if (held.length >= majority) return { status: "held", followers: Math.max(...held) };
  if (heard.length - held.length < majority) return firstError(replies);
  return { status: heard.some(({ status }) => status === "forgotten") ? "forgotten" : "fenced" };
}

/** `undefined` while no majority says one thing or the other. */
export function tallySettlement(
  replies: readonly (SettleReply | Error)[],
  majority: number,
): SettleReply | undefined {
  const heard = replies.filter(isAnswer);
  let [accepted, already, woken, unwoken] = [0, 0, 0, 0];
  for (const reply of heard) {
    if (reply.status === "fenced") continue;
    accepted += 1;
    if (reply.status === "already") already += 1;
    woken += reply.woken;
    unwoken += reply.unwoken;
  }
  if (accepted >= majority) return { status: already >= majority ? "already" : "accepted", woken, unwoken };
  return heard.length - accepted >= majority ? { status: "fenced" } : undefined;
}
