import { createIssuerDocuments } from "../adapters/identity/discovery.ts";
import type { ClientVerdict } from "../adapters/identity/try-client.ts";
import { tryGitHubClient, tryOidcClient } from "../adapters/identity/try-client.ts";
import { paths } from "../contract/paths.ts";
import { IssuerError } from "../services/identity-issuer.ts";
import type { Settings } from "../settings.ts";
import type { EntraApiSettings, GitHubSettings, OidcSettings } from "../sign-in-settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";
import type { DoctorMeans } from "./means.ts";

export async function checkSignIn(
  settings: Pick<Settings, "signIn" | "entraApi" | "publicUrl">,
  means: DoctorMeans,
): Promise<readonly Check[]> {
  const redirectUri = `${settings.publicUrl}${paths.authCallback}`;
  const { signIn, entraApi } = settings;
  const checks = await Promise.all([
    signIn.kind === "oidc" ? checkOidc(signIn, redirectUri, means) : checkGitHub(signIn, redirectUri, means),
    entraApi === undefined ? [] : checkTenant(entraApi, means),
  ]);
  return checks.flat();
}

/** Read anew and kept nowhere: what the database remembers says nothing about now. */
function documents(means: DoctorMeans, issuer: string, provider: OidcSettings["provider"]) {
  const cache = { read: () => Promise.resolve(undefined), write: () => Promise.resolve() };
  return createIssuerDocuments({ ...means, cache }, { issuer, provider });
}

async function checkOidc(
  { issuer, provider, ...client }: OidcSettings,
  redirectUri: string,
  means: DoctorMeans,
): Promise<readonly Check[]> {
  const { discover, keys } = documents(means, issuer, provider);
  try {
    const discovery = await discover();
    const { keys: found } = await keys.read();
    if (found.length === 0) throw new IssuerError("unavailable", "Its set of keys is empty.");
    const described = good("OIDC_ISSUER", "It describes itself and shows its keys.");
    const verdict = await tryOidcClient({ ...client, ...means, redirectUri }, discovery);
    return [described, judgeClient("OIDC_CLIENT_ID and OIDC_CLIENT_SECRET", verdict, redirectUri)];
  } catch (error) {
    return [
      fault(
        "OIDC_ISSUER",
        reasonOf(error),
        "Give the issuer's address exactly as its own /.well-known/openid-configuration names it (mind a slash at the end), and see that this machine reaches it.",
      ),
    ];
  }
}

async function checkGitHub(client: GitHubSettings, redirectUri: string, means: DoctorMeans): Promise<readonly Check[]> {
  try {
    const verdict = await tryGitHubClient({ ...client, ...means, redirectUri });
    return [judgeClient("GITHUB_APP_CLIENT_ID and GITHUB_APP_CLIENT_SECRET", verdict, redirectUri)];
  } catch (error) {
    return [
      fault(
        "GITHUB_URL",
        reasonOf(error),
        "Correct GITHUB_URL, and see that this machine reaches it; or try again later.",
      ),
    ];
  }
}

function judgeClient(about: string, verdict: ClientVerdict, redirectUri: string): Check {
  switch (verdict) {
    case "known":
      return good(about, `The issuer knows the client. Its redirect address has to be ${redirectUri}`);
    case "refused":
      return fault(
        about,
        "The issuer refuses this client with this secret.",
        "Copy both anew from the application's page at the issuer; a secret there may have run out.",
      );
    case "open":
      return hint(
        about,
        "The issuer does not say whether it knows the client before somebody signs in.",
        `Sign in once. The application's redirect address has to be ${redirectUri}`,
      );
  }
}

async function checkTenant({ loginUrl, tenantId }: EntraApiSettings, means: DoctorMeans): Promise<readonly Check[]> {
  const about = "ENTRA_API_AUDIENCE and ENTRA_TENANT_ID";
  try {
    await documents(means, `${loginUrl}/${tenantId}/v2.0`, "entra").keys.read();
    return [good(about, "Microsoft knows the tenant. Whether the editor gets a token for the API shows at a sign-in.")];
  } catch (error) {
    return [
      fault(
        about,
        reasonOf(error),
        "Copy the tenant's id from the overview page of Microsoft Entra into ENTRA_TENANT_ID.",
      ),
    ];
  }
}

/** Their sentences are ours; everything else may quote what was sent. */
function reasonOf(error: unknown): string {
  if (error instanceof IssuerError) return error.message;
  throw error;
}
