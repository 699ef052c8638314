import { ServiceError } from "../services/errors.ts";

/** Where a page of something ordered by age ends. */
export interface PagePlace {
  readonly createdAt: number;
  readonly id: string;
}

/** A cursor is opaque to clients. It names a place in the order, not a number of rows, so a list never jumps. */
export function writeCursor({ createdAt, id }: PagePlace): string {
  return `${createdAt.toString(36)}.${id}`;
}

/** Throws `invalid_request` for a text that no answer has given out. */
export function readCursor(cursor: string | undefined): PagePlace | undefined {
  if (cursor === undefined) return undefined;
  const [, time = "", id = ""] = /^([0-9a-z]{1,9})\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(cursor) ?? [];
  const createdAt = Number.parseInt(time, 36);
  if (id === "" || createdAt > 8.64e15) throw badCursor();
  return { createdAt, id };
}

export function readNumberCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (!/^\d{1,15}$/.test(cursor)) throw badCursor();
  return Number(cursor);
}

function badCursor(): ServiceError {
  return new ServiceError(
    "invalid_request",
    "cursor is not one that an earlier answer has given. Begin at the first page.",
  );
}
