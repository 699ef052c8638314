import type { MiddlewareHandler } from "hono";

import { sha256 } from "./account.ts";
import type { Account, KeyRecord } from "./account.ts";
import { isMessagesPath, messages, refusal } from "./answers.ts";
import type { StandInContext, StandInEnv } from "./context.ts";

/** Whether a key works, as far as the edge has heard. */
export type Standing = "live" | "disabled" | "expired" | "deleted";

/** Who a request comes from. */
export type Caller =
  | { readonly kind: "none" }
  | { readonly kind: "unknown" }
  | { readonly kind: "management" }
  | { readonly kind: "key"; readonly key: KeyRecord; readonly standing: Standing };

/** The credential in the request: the bearer, or on Anthropic's path without `Authorization`, `x-api-key`. */
export function credentialOf(path: string, authorization: string | undefined, xApiKey: string | undefined): string {
  if (authorization === undefined) return isMessagesPath(path) ? (xApiKey ?? "").trim() : "";
  return bearerOf(authorization);
}

/** The credential in an `Authorization` header; empty when it is no bearer. */
export function bearerOf(authorization: string): string {
  return /^bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "";
}

export function identify(account: Account, credential: string): Caller {
  if (credential === "") return { kind: "none" };
  const hash = sha256(credential);
  if (hash === account.managementKeyHash) return { kind: "management" };
  const key = account.keys.get(hash);
  return key === undefined ? { kind: "unknown" } : { kind: "key", key, standing: standingOf(account, key) };
}

function standingOf(account: Account, key: KeyRecord): Standing {
  const now = account.clock.now();
  // Disabling and deleting reach the edge late; an expiry is known there beforehand.
  const heardOf = new Date(now.getTime() - account.knobs.read().disableLagMs);
  if (key.deletedAt !== null && key.deletedAt <= heardOf) return "deleted";
  if (key.disabledSince !== null && key.disabledSince <= heardOf) return "disabled";
  if (key.expiresAt !== null && key.expiresAt <= now) return "expired";
  return "live";
}

/** Lets only the management key through. */
export const managementOnly: MiddlewareHandler<StandInEnv> = async (c, next) => {
  const caller = c.get("caller");
  if (caller.kind === "management") return next();
  return refusedCredential(c) ?? refusal(c.req.path, 403, messages.managementOnly);
};

/** The 401 for a credential that is missing, unknown, deleted, disabled or expired; undefined for a working one. */
export function refusedCredential(c: StandInContext): Response | undefined {
  const caller = c.get("caller");
  switch (caller.kind) {
    case "none":
      return refusal(c.req.path, 401, messages.noCredential);
    case "unknown":
      return refusal(c.req.path, 401, messages.unknownKey);
    case "management":
      return undefined;
    case "key":
      return refusedStanding(c.req.path, caller.standing);
  }
}

function refusedStanding(path: string, standing: Standing): Response | undefined {
  switch (standing) {
    case "live":
      return undefined;
    case "deleted":
      return refusal(path, 401, messages.unknownKey);
    case "disabled":
      return refusal(path, 401, messages.disabledKey);
    case "expired":
      return refusal(path, 401, messages.expiredKey);
  }
}
