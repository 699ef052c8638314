import * as z from "zod/mini";

import { isLoopbackAddress, isSafeAddress } from "./policy/address.ts";
import { normaliseEmail } from "./policy/email.ts";

/** The company directories among the settings. */
export const directoryNames = [
  "GOOGLE_SA_KEY_JSON",
  "GOOGLE_DIRECTORY_SUBJECT",
  "GOOGLE_DIRECTORY_URL",
  "ENTRA_TENANT_ID",
  "ENTRA_CLIENT_ID",
  "ENTRA_CLIENT_SECRET",
  "GRAPH_URL",
  "ENTRA_LOGIN_URL",
] as const;
type Name = (typeof directoryNames)[number];

export interface GoogleSettings {
  /** Ends in `/admin/directory/v1`. */
  readonly url: string;
  readonly serviceAccount: {
    readonly email: string;
    readonly privateKey: string;
    readonly privateKeyId: string | undefined;
    readonly tokenUrl: string;
  };
  readonly subject: string | undefined;
}

export interface EntraSettings {
  /** Ends in `/v1.0`. */
  readonly url: string;
  readonly loginUrl: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

type ReadText = (name: Name) => string | undefined;
/** Without a slash at its end; adds a fault when it may not carry secrets. */
type ReadAddress = (name: Name, value: string) => string;

/** An address with the service's own path: given with it or without, since both are what people copy. */
function withPath(address: string, path: string): string {
  return address.endsWith(path) ? address : `${address}${path}`;
}

const ServiceAccountKey = z.object({
  type: z.literal("service_account"),
  client_email: z.string().check(z.regex(/^[\x21-\x7e]+@[\x21-\x7e]+$/)),
  private_key: z.string().check(z.regex(/-----BEGIN PRIVATE KEY-----/)),
  private_key_id: z.optional(z.string()),
  token_uri: z._default(z.string(), "https://oauth2.googleapis.com/token"),
});

export function readGoogle(text: ReadText, address: ReadAddress, faults: string[]): GoogleSettings | undefined {
  const given = address("GOOGLE_DIRECTORY_URL", text("GOOGLE_DIRECTORY_URL") ?? "https://admin.googleapis.com");
  const url = withPath(given, "/admin/directory/v1");
  const subject = text("GOOGLE_DIRECTORY_SUBJECT");
  if (subject !== undefined && normaliseEmail(subject) === undefined) {
    faults.push("GOOGLE_DIRECTORY_SUBJECT must be the e-mail address of an administrator.");
  }
  const json = text("GOOGLE_SA_KEY_JSON");
  if (json === undefined) {
    const half = (["GOOGLE_DIRECTORY_SUBJECT", "GOOGLE_DIRECTORY_URL"] as const).find((name) => text(name));
    if (half !== undefined) {
      faults.push(`GOOGLE_SA_KEY_JSON is missing, and ${half} alone does nothing: give the service account's key too.`);
    }
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    faults.push("GOOGLE_SA_KEY_JSON is not JSON: give the whole content of the key's file.");
    return undefined;
  }
  const key = ServiceAccountKey.safeParse(value);
  if (!key.success) {
    faults.push("GOOGLE_SA_KEY_JSON is not the key of a service account: it needs type, client_email and private_key.");
    return undefined;
  }
  const { client_email, private_key, private_key_id, token_uri } = key.data;
  if (!isTokenUrl(token_uri, url)) {
    faults.push("GOOGLE_SA_KEY_JSON names a token_uri that is neither Google's nor beside GOOGLE_DIRECTORY_URL.");
  }
  return {
    url,
    serviceAccount: {
      email: client_email,
      // Some ways of passing JSON on escape the line ends once more.
      privateKey: private_key.replaceAll("\\n", "\n"),
      privateKeyId: private_key_id,
      tokenUrl: token_uri,
    },
    subject,
  };
}

/**
 * A key file may come from anywhere, and its `token_uri` is an address that the function then calls. So only Google's
 * own are called, this machine, and the host that the deployment itself has named.
 */
function isTokenUrl(address: string, directoryUrl: string): boolean {
  if (isLoopbackAddress(address)) return true;
  if (!isSafeAddress(address)) return false;
  const [host, directoryHost] = [address, directoryUrl].map((each) => each.split("/")[2]?.toLowerCase());
  return (
    host !== undefined &&
    (host === directoryHost || host === "accounts.google.com" || /^[a-z0-9.-]+\.googleapis\.com$/.test(host))
  );
}

/** `signsIn`: the tenant and its login address are given for signing in, and alone do not ask for the directory. */
export function readEntra(
  text: ReadText,
  address: ReadAddress,
  signsIn: boolean,
  faults: string[],
): EntraSettings | undefined {
  const required = ["ENTRA_TENANT_ID", "ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET"] as const;
  const shared: readonly Name[] = signsIn ? ["ENTRA_TENANT_ID", "ENTRA_LOGIN_URL"] : [];
  const given = [...required, "GRAPH_URL" as const, "ENTRA_LOGIN_URL" as const].filter(
    (name) => text(name) !== undefined && !shared.includes(name),
  );
  const missing = required.filter((name) => text(name) === undefined);
  if (given.length === 0) return undefined;
  for (const name of missing) {
    faults.push(
      `${name} is missing, and Microsoft Entra cannot be asked without it: give it, or leave out ${given[0]}.`,
    );
  }
  const tenantId = text("ENTRA_TENANT_ID") ?? "";
  const isOne = /^[A-Za-z0-9][A-Za-z0-9.-]{0,253}$/.test(tenantId);
  if (tenantId !== "" && (!isOne || ["common", "organizations", "consumers"].includes(tenantId.toLowerCase()))) {
    faults.push("ENTRA_TENANT_ID must be the id or domain of one tenant.");
  }
  const graph = address("GRAPH_URL", text("GRAPH_URL") ?? "https://graph.microsoft.com");
  return {
    url: graph.endsWith("/beta") ? graph : withPath(graph, "/v1.0"),
    loginUrl: address("ENTRA_LOGIN_URL", text("ENTRA_LOGIN_URL") ?? "https://login.microsoftonline.com"),
    tenantId,
    clientId: text("ENTRA_CLIENT_ID") ?? "",
    clientSecret: text("ENTRA_CLIENT_SECRET") ?? "",
  };
}
