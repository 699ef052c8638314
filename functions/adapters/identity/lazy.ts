import type { AccessTokenIssuer, IdentityIssuer } from "../../services/identity-issuer.ts";

/** Loaded when the first person signs in: a start does not need it. */
export function lazyIssuer(load: () => Promise<IdentityIssuer>): IdentityIssuer {
  let loaded: Promise<IdentityIssuer> | undefined;
  const issuer = () => (loaded ??= load());
  return {
    authorizationUrl: async (request) => (await issuer()).authorizationUrl(request),
    redeem: async (answer) => (await issuer()).redeem(answer),
  };
}

export function lazyAccessTokenIssuer(load: () => Promise<AccessTokenIssuer>): AccessTokenIssuer {
  let loaded: Promise<AccessTokenIssuer> | undefined;
  return { verify: async (accessToken) => (await (loaded ??= load())).verify(accessToken) };
}
