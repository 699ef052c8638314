import * as z from "zod/mini";

import { Time } from "./time.ts";

export const raiseStates = ["waiting", "approved", "refused", "ended"] as const;

/** What is wrong with a reason or a note, as a sentence for whoever typed it; undefined when nothing is. */
export function remarkFault(text: string): string | undefined {
  const remark = text.trim();
  if (remark !== "" && [...remark].length <= 500 && !/[\p{Cc}\p{Cs}]/u.test(remark)) return undefined;
  return "Write a sentence of at most 500 characters, without line breaks.";
}

/** More on one key until a time. `note` is what the administrator who decided has written. */
export const Raise = z.object({
  id: z.string(),
  keyId: z.string(),
  keyName: z.string(),
  limitUsd: z.number(),
  until: Time,
  reason: z.string(),
  /** A state this client does not know yet reads as "unknown". */
  state: z.pipe(
    z.string(),
    z.transform(
      (state: string): (typeof raiseStates)[number] | "unknown" =>
        raiseStates.find((known) => known === state) ?? "unknown",
    ),
  ),
  createdAt: Time,
  decidedAt: z.optional(Time),
  note: z.optional(z.string()),
});
export type Raise = z.infer<typeof Raise>;

export const RaisesAnswer = z.object({ raises: z.array(Raise) });
export type RaisesAnswer = z.infer<typeof RaisesAnswer>;
