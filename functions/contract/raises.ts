import * as z from "zod/mini";

import { Time } from "./time.ts";

const raiseStates = ["waiting", "approved", "refused", "ended"] as const;

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
