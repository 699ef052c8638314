import * as z from "zod/mini";

import { Time } from "./time.ts";

/** One of the caller's own sessions. `client` is what the editor said of itself, `current` the one that asks. */
export const Session = z.object({
  id: z.string(),
  client: z.string(),
  createdAt: Time,
  lastUsedAt: Time,
  expiresAt: Time,
  current: z.boolean(),
});
export type Session = z.infer<typeof Session>;

export const SessionsAnswer = z.object({ sessions: z.array(Session) });
export type SessionsAnswer = z.infer<typeof SessionsAnswer>;
