import type { Context } from "hono";
import { timingSafeEqual } from "hono/utils/buffer";

/**
 * Whether a request carries one of the tokens that a machine calls with. Both sides are hashed first, so that neither
 * length nor content shows in the time; without any token nobody is let in.
 */
export async function carriesToken(context: Context, tokens: readonly string[]): Promise<boolean> {
  const given = /^Bearer ([\x21-\x7e]{1,1000})$/i.exec(context.req.header("Authorization") ?? "")?.[1];
  if (given === undefined) return false;
  const matches = await Promise.all(tokens.map((token) => timingSafeEqual(given, token)));
  return matches.includes(true);
}
