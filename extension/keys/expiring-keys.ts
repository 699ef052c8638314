import type { Key } from "../../functions/contract/keys.ts";
import type { ReadyKeys } from "./key-ring.ts";

const dayLength = 24 * 60 * 60_000;
/** How long before its end a key is replaced; of a key that works for less than four weeks, a quarter of its life. */
const lead = 7 * dayLength;

/**
 * The keys that this editor should replace before they end: those whose secret it has, and that work for as long as the
 * plan allows or are the one that tools use. A key that somebody has made for a short while is meant to end.
 */
export function expiringKeys({ keys, me, storedIds, toolsKeyId }: ReadyKeys, now: number): readonly Key[] {
  return keys.filter((key) => {
    const end = Date.parse(key.expiresAt);
    const life = end - Date.parse(key.createdAt);
    const isMeantToLast = key.id === toolsKeyId || life >= (me.plan.maxLifetimeDays - 1) * dayLength;
    const isNear = end > now && end - now <= Math.min(lead, life / 4);
    return key.state === "active" && storedIds.has(key.id) && isMeantToLast && isNear;
  });
}

/** The last time to say something. */
export function isLastDay({ expiresAt }: Key, now: number): boolean {
  return Date.parse(expiresAt) - now <= dayLength;
}
