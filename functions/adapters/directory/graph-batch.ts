import * as z from "zod/mini";

import type { JsonReply } from "../json-client.ts";
import { readRetryAfter } from "../json-client.ts";

const BatchAnswer = z.object({ responses: z.array(z.unknown()) });
const BatchItem = z.object({
  id: z.string(),
  status: z.number(),
  headers: z.optional(z.record(z.string(), z.unknown())),
  body: z.optional(z.unknown()),
});

export const missingItem = {
  kind: "failed",
  reason: "Microsoft Graph left the person out of a batch's answer.",
} as const;

type BatchItemReply = { readonly kind: "failed"; readonly reason: string } | Extract<JsonReply, { kind: "answered" }>;

/** What a batch's answer says to each question by its id; an item that is missing or there twice is no answer. */
export function readBatch(reply: JsonReply): (id: string) => BatchItemReply {
  if (reply.kind === "failed") return () => reply;
  const parsed = BatchAnswer.safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) {
    return () => ({
      kind: "failed",
      reason: `Microsoft Graph answered ${reply.status} to a batch${reply.status === 200 ? " without its items" : ""}.`,
    });
  }
  const items = parsed.data.responses.flatMap((entry) => {
    const item = BatchItem.safeParse(entry);
    return item.success ? [item.data] : [];
  });
  return (id) => {
    const [item, another] = items.filter((each) => each.id === id);
    // Two answers to one question are none.
    if (item === undefined || another !== undefined) return missingItem;
    const retryAfter = Object.entries(item.headers ?? {}).find(([name]) => name.toLowerCase() === "retry-after")?.[1];
    return {
      kind: "answered",
      status: item.status,
      body: item.body,
      retryAfter: readRetryAfter(typeof retryAfter === "string" ? retryAfter : null),
    };
  };
}
