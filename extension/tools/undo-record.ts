import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { Json } from "./settings.ts";

const Path = z.array(z.union([z.string(), z.object({ item: z.record(z.string(), z.string()) })]));

/** What undo needs to know about one tool's file. It may hold secrets of the person's own. */
export const UndoRecord = z.object({
  version: z.literal(1),
  file: z.string(),
  /** The tool's own folder, where the person had set one. */
  folder: z.optional(z.string()),
  /** What was there before the first set-up; unknown when our values stood there without a record of them. */
  origin: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("file"), base64: z.string() }),
    /** The folders that we made for it, innermost first. */
    z.object({ kind: z.literal("absent"), folders: z.array(z.string()) }),
    z.object({ kind: z.literal("unknown") }),
  ]),
  /** Its permission bits before we took them from everybody but its owner. */
  mode: z.optional(z.number()),
  /** SHA-256 of what we wrote, as long as nobody else has written since: then undo puts the origin back byte by byte. */
  writtenHash: z.optional(z.string()),
  /** Containers that we made, which go when they are empty again. */
  containers: z.array(Path),
  /** Absent `written`: we took a value out. Absent `previous`: there was none. */
  values: z.array(z.object({ path: Path, written: z.optional(Json), previous: z.optional(Json) })),
});
export type UndoRecord = z.infer<typeof UndoRecord>;

/** Undefined also when the text is not a record: then undo takes out what is evidently ours. */
export function parseUndoRecord(text: string | undefined): UndoRecord | undefined {
  if (text === undefined) return undefined;
  try {
    return UndoRecord.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
