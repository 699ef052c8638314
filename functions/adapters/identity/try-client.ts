import * as z from "zod/mini";

import type { Discovery } from "./discovery.ts";
import type { IssuerFetch } from "./fetch-json.ts";
import { askGitHubForToken } from "./github.ts";
import { askForToken } from "./oidc.ts";

/** Whether the issuer knows the client by this secret. Some issuers look at the code first and leave it open. */
export type ClientVerdict = "known" | "refused" | "open";

export interface Client {
  readonly fetch: IssuerFetch;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
}

const Refusal = z.object({ error: z.string() });

/** A code that nobody ever got: the client is checked before it, and nothing comes of it. */
const code = "openrouter-keys-doctor";
const verifier = "openrouter-keys-doctor-openrouter-keys-doctor";

/** Throws IssuerError "unavailable". */
export async function tryOidcClient(client: Client, discovery: Discovery): Promise<ClientVerdict> {
  const { status, body } = await askForToken(client, discovery, code, verifier);
  const word = Refusal.safeParse(body).data?.error;
  if (word === "invalid_grant") return "known";
  return status === 401 || word === "invalid_client" || word === "unauthorized_client" ? "refused" : "open";
}

/** Throws IssuerError "unavailable". */
export async function tryGitHubClient(client: Client & { readonly webUrl: string }): Promise<ClientVerdict> {
  const { status, body } = await askGitHubForToken(client, code, verifier);
  const word = Refusal.safeParse(body).data?.error;
  if (word === "bad_verification_code") return "known";
  return status === 404 || word === "incorrect_client_credentials" ? "refused" : "open";
}
