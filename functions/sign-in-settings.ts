import { isSafeAddress } from "./policy/address.ts";
import type { IssuerKind } from "./policy/issuer-kind.ts";
import { entraTenant, isGuid, issuerKinds, kindOfIssuer } from "./policy/issuer-kind.ts";

/** Any OpenID provider, with the function as its confidential client. */
export interface OidcSettings {
  readonly kind: "oidc";
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly provider: IssuerKind;
}

/** GitHub, through the company's own GitHub App; members of its organisation only. */
export interface GitHubSettings {
  readonly kind: "github";
  readonly clientId: string;
  readonly clientSecret: string;
  readonly organization: string;
  readonly webUrl: string;
  readonly apiUrl: string;
}

/** The second way in for an Entra tenant: an access token for the function's own API, from the editor's Microsoft account. */
export interface EntraApiSettings {
  readonly tenantId: string;
  readonly audience: string;
  readonly clientIds: readonly string[];
  readonly loginUrl: string;
}

export interface SignInSettings {
  readonly signIn: OidcSettings | GitHubSettings;
  readonly entraApi: EntraApiSettings | undefined;
  readonly requireEmailVerified: boolean;
  readonly allowGuests: boolean;
  readonly adminGroup: string | undefined;
}

export const signInNames = [
  "OIDC_ISSUER",
  "OIDC_CLIENT_ID",
  "OIDC_CLIENT_SECRET",
  "OIDC_PROVIDER",
  "REQUIRE_EMAIL_VERIFIED",
  "ADMIN_GROUP",
  "ENTRA_TENANT_ID",
  "ENTRA_LOGIN_URL",
  "ENTRA_API_AUDIENCE",
  "ENTRA_API_CLIENT_IDS",
  "ENTRA_ALLOW_GUESTS",
  "GITHUB_APP_CLIENT_ID",
  "GITHUB_APP_CLIENT_SECRET",
  "GITHUB_ORGANIZATION",
  "GITHUB_URL",
  "GITHUB_API_URL",
] as const;
type SignInName = (typeof signInNames)[number];

/** How the settings are read: the value without white space around it, undefined when empty. */
export interface SettingsReader {
  readonly text: (name: SignInName) => string | undefined;
  readonly required: (name: SignInName, what: string) => string;
  /** Without a slash at its end. */
  readonly address: (name: SignInName, value: string) => string;
  readonly list: (name: SignInName) => readonly string[];
  readonly faults: string[];
}

/** The client under which the Microsoft account that is built into VS Code signs in. */
const vsCodeClient = "aebc6443-996d-45c2-90f0-388ff96faa56";

export function readSignInSettings(reader: SettingsReader): SignInSettings {
  const { text, faults } = reader;
  const isGitHub = text("GITHUB_APP_CLIENT_ID") !== undefined || text("GITHUB_APP_CLIENT_SECRET") !== undefined;
  const loginUrl = reader.address("ENTRA_LOGIN_URL", text("ENTRA_LOGIN_URL") ?? "https://login.microsoftonline.com");
  if (isGitHub && text("ADMIN_GROUP") !== undefined) {
    faults.push("ADMIN_GROUP is given, but GitHub sends no groups; name administrators in ADMIN_EMAILS.");
  }
  return {
    signIn: isGitHub ? readGitHub(reader) : readOidc(reader),
    entraApi: readEntraApi(reader, loginUrl),
    requireEmailVerified: readFlag(reader, "REQUIRE_EMAIL_VERIFIED", true),
    allowGuests: readFlag(reader, "ENTRA_ALLOW_GUESTS", false),
    adminGroup: text("ADMIN_GROUP"),
  };
}

function readOidc({ text, required, faults }: SettingsReader): OidcSettings {
  // Compared exactly with what the issuer says of itself, so a slash at its end is kept.
  const issuer = required("OIDC_ISSUER", "the address of your sign-in issuer, such as https://accounts.google.com");
  if (issuer !== "" && (!isSafeAddress(issuer) || /[?]/.test(issuer))) {
    faults.push("OIDC_ISSUER must be an https address without a query; plain http is accepted only for this machine.");
  }
  const provider = readProvider(issuer, text("OIDC_PROVIDER"), faults);
  if (provider === "entra" && entraTenant(issuer) === undefined) {
    faults.push(
      "OIDC_ISSUER must name your own tenant by its id, as in https://login.microsoftonline.com/<tenant id>/v2.0; common, organizations and consumers let in people of everywhere.",
    );
  }
  return {
    kind: "oidc",
    issuer,
    provider,
    clientId: required("OIDC_CLIENT_ID", "the id of the web application registered with the issuer"),
    clientSecret: required("OIDC_CLIENT_SECRET", "the secret of that application"),
  };
}

function readProvider(issuer: string, given: string | undefined, faults: string[]): IssuerKind {
  const known = kindOfIssuer(issuer);
  const chosen = issuerKinds.find((kind) => kind === given);
  if (given !== undefined && chosen === undefined) {
    faults.push(`OIDC_PROVIDER must be one of ${issuerKinds.join(", ")}.`);
  }
  // The rules of a well-known issuer cannot be talked away.
  if (chosen !== undefined && known !== "other" && chosen !== known) {
    faults.push(`OIDC_PROVIDER contradicts OIDC_ISSUER, which is an address of ${known}; leave OIDC_PROVIDER out.`);
  }
  return chosen ?? known;
}

function readGitHub({ text, required, address, faults }: SettingsReader): GitHubSettings {
  if (text("OIDC_ISSUER") !== undefined) {
    faults.push("OIDC_ISSUER and GITHUB_APP_CLIENT_ID are both given; people sign in with one of them, so keep one.");
  }
  const organization = required(
    "GITHUB_ORGANIZATION",
    "the GitHub organisation whose members may sign in; without it the whole world has a GitHub account",
  );
  if (organization !== "" && !/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(organization)) {
    faults.push("GITHUB_ORGANIZATION must be an organisation's short name, as in its address after github.com/.");
  }
  return {
    kind: "github",
    clientId: required("GITHUB_APP_CLIENT_ID", "the client id of your company's own GitHub App"),
    clientSecret: required("GITHUB_APP_CLIENT_SECRET", "a client secret of your company's own GitHub App"),
    organization,
    webUrl: address("GITHUB_URL", text("GITHUB_URL") ?? "https://github.com"),
    apiUrl: address("GITHUB_API_URL", text("GITHUB_API_URL") ?? "https://api.github.com"),
  };
}

function readEntraApi({ text, list, faults }: SettingsReader, loginUrl: string): EntraApiSettings | undefined {
  const audience = text("ENTRA_API_AUDIENCE");
  if (audience === undefined) {
    if (text("ENTRA_API_CLIENT_IDS") !== undefined) {
      faults.push("ENTRA_API_CLIENT_IDS is given without ENTRA_API_AUDIENCE, which turns this way of signing in on.");
    }
    return undefined;
  }
  if (!isGuid(audience)) {
    faults.push("ENTRA_API_AUDIENCE must be the application (client) id of the function's own API, without api://.");
  }
  const tenantId = text("ENTRA_TENANT_ID")?.toLowerCase();
  if (tenantId === undefined)
    faults.push("ENTRA_TENANT_ID is missing: ENTRA_API_AUDIENCE needs the id of your tenant.");
  else if (entraTenant(`/${tenantId}/v2.0`) === undefined) {
    faults.push(
      "ENTRA_TENANT_ID must be the id of your own tenant, not a name and not the tenant of personal accounts.",
    );
  }
  const clientIds = list("ENTRA_API_CLIENT_IDS").map((id) => id.toLowerCase());
  if (!clientIds.every(isGuid)) {
    faults.push("ENTRA_API_CLIENT_IDS must be application (client) ids, separated by commas.");
  }
  return {
    tenantId: tenantId ?? "",
    audience: audience.toLowerCase(),
    clientIds: clientIds.length === 0 ? [vsCodeClient] : clientIds,
    loginUrl,
  };
}

function readFlag({ text, faults }: SettingsReader, name: SignInName, otherwise: boolean): boolean {
  const value = text(name);
  if (value !== undefined && value !== "true" && value !== "false") faults.push(`${name} must be true or false.`);
  return value === undefined ? otherwise : value === "true";
}
