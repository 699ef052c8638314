import * as z from "zod/mini";

/** What is read of an issuer's answers (OpenID Connect Discovery 1.0, Core 1.0 3.1.3.3). */
export const DiscoveryAnswer = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  token_endpoint_auth_methods_supported: z.optional(z.array(z.string())),
  authorization_response_iss_parameter_supported: z.optional(z.boolean()),
  scopes_supported: z.optional(z.array(z.string())),
});

export const TokenAnswer = z.object({ id_token: z.string() });

/** Claims that Entra writes about an account, beside those of the standard. Optional ones appear where the app asks. */
const entraClaims = {
  tid: z.optional(z.string()),
  oid: z.optional(z.string()),
  /** 0: a member of the tenant, 1: a guest. */
  acct: z.optional(z.union([z.number(), z.string()])),
  /** Who signed the account in, where that was not the tenant itself. */
  idp: z.optional(z.string()),
  /** Whether the owner of the e-mail's domain has verified it. Seen as a boolean, a number and text. */
  xms_edov: z.optional(z.union([z.boolean(), z.number(), z.string()])),
};

/** Claims beyond those that jose checks. Okta and some others send `email_verified` as text. */
export const IdTokenClaims = z.object({
  ...entraClaims,
  iss: z.string(),
  sub: z.string().check(z.minLength(1), z.maxLength(255)),
  aud: z.union([z.string(), z.array(z.string())]),
  iat: z.number(),
  nonce: z.string(),
  azp: z.optional(z.string()),
  auth_time: z.optional(z.number()),
  email: z.optional(z.string()),
  email_verified: z.optional(z.union([z.boolean(), z.literal("true"), z.literal("false")])),
  hd: z.optional(z.string()),
  groups: z.optional(z.unknown()),
});
export type IdTokenClaims = z.infer<typeof IdTokenClaims>;

/** An Entra access token, version 2. */
export const AccessTokenClaims = z.object({
  ...entraClaims,
  iss: z.string(),
  exp: z.number(),
  scp: z.optional(z.string()),
  idtyp: z.optional(z.string()),
  azp: z.optional(z.string()),
  auth_time: z.optional(z.number()),
  email: z.optional(z.string()),
  groups: z.optional(z.unknown()),
});
