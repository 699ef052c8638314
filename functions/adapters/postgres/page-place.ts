import { and, eq, lt, or } from "drizzle-orm";
import type { SQL } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";

/** What follows a place in an order from newest to oldest, those of one moment by their id. All, without a place. */
export function olderThan(
  columns: { readonly time: AnyPgColumn; readonly id: AnyPgColumn },
  place: { readonly createdAt: number; readonly id: string } | undefined,
): SQL | undefined {
  if (place === undefined) return undefined;
  const at = new Date(place.createdAt);
  return or(lt(columns.time, at), and(eq(columns.time, at), lt(columns.id, place.id)));
}
