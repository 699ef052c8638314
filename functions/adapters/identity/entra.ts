import type { AccessTokenIssuer } from "../../services/identity-issuer.ts";
import { createIssuerDocuments } from "./discovery.ts";
import { verifyAccessToken } from "./entra-access-token.ts";
import type { DocumentMeans } from "./issuer-document.ts";
import { tokenKeys } from "./token-keys.ts";

export interface EntraOptions {
  readonly tenantId: string;
  readonly audience: string;
  readonly clientIds: readonly string[];
  readonly loginUrl: string;
}

/** Access tokens of one tenant, with the keys of that tenant's own document: those of `common` sign for every tenant. */
export function createEntraIssuer(means: DocumentMeans, options: EntraOptions): Pick<AccessTokenIssuer, "verify"> {
  const issuer = `${options.loginUrl}/${options.tenantId}/v2.0`;
  const { keys } = createIssuerDocuments(means, { issuer, provider: "entra" });
  return {
    verify: (accessToken) =>
      verifyAccessToken(accessToken, { ...options, issuer, clock: means.clock, keys: tokenKeys(keys) }),
  };
}
