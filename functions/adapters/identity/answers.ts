import * as z from "zod/mini";

/** What is read of an issuer's answers (OpenID Connect Discovery 1.0, Core 1.0 3.1.3.3). */
export const DiscoveryAnswer = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string(),
  token_endpoint_auth_methods_supported: z.optional(z.array(z.string())),
  authorization_response_iss_parameter_supported: z.optional(z.boolean()),
});

export const TokenAnswer = z.object({ id_token: z.string() });

/** Claims beyond those that jose checks. Okta and some others send `email_verified` as text. */
export const IdTokenClaims = z.object({
  iss: z.string(),
  sub: z.string().check(z.minLength(1), z.maxLength(255)),
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
