import { isLoopbackAddress, isSafeAddress } from "./policy/address.ts";
import { normaliseEmail } from "./policy/email.ts";

/** Who still works here, and what is done about it: the directories and the nightly trigger among the settings. */
export const directoryNames = [
  "GOOGLE_SA_KEY_JSON",
  "GOOGLE_DIRECTORY_SUBJECT",
  "GOOGLE_DIRECTORY_URL",
  "ENTRA_CLIENT_ID",
  "ENTRA_CLIENT_SECRET",
  "GRAPH_URL",
  "DIRECTORY_CANARY",
  "SCIM_TOKEN",
  "SCIM_TOKEN_PREVIOUS",
  "CRON_SECRET",
  "CRON_SECRET_PREVIOUS",
  "NIGHTLY_MODE",
  "NIGHTLY_MIN_INTERVAL_SECONDS",
  "NIGHTLY_SCHEDULE",
  "REVOKED_KEEP_DAYS",
  "HEARTBEAT_URL",
] as const;
/** The last ones are settings of other parts as well. */
type Name =
  | (typeof directoryNames)[number]
  | "ENTRA_TENANT_ID"
  | "ENTRA_LOGIN_URL"
  | "ENTRA_API_AUDIENCE"
  | "OPENROUTER_MANAGEMENT_KEY";

export interface DirectorySettings {
  readonly google: GoogleSettings | undefined;
  readonly entra: EntraSettings | undefined;
  /** The id or address of a person known to be active. */
  readonly directoryCanary: string | undefined;
  /** Undefined: no SCIM routes. Without a token that is long enough they refuse everybody. */
  readonly scim: { readonly tokens: readonly string[] } | undefined;
  /** Empty: the cron route refuses everybody. */
  readonly cronSecrets: readonly string[];
  readonly nightly: {
    readonly mode: "report" | "enforce";
    readonly minIntervalSeconds: number;
    readonly keepRevokedDays: number;
  };
  /** Five fields, in UTC; undefined: an outside scheduler calls. */
  readonly nightlySchedule: string | undefined;
  readonly heartbeatUrl: string | undefined;
}

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

export interface DirectoryReader {
  readonly text: ReadText;
  readonly address: ReadAddress;
  readonly faults: string[];
}

const shortestSecret = 32;

export function readDirectorySettings({ text, address, faults }: DirectoryReader): DirectorySettings {
  const secret = (name: Name): string | undefined => {
    const value = text(name);
    // A short one guards nothing, so that it is as good as none.
    return value === undefined || value.length < shortestSecret ? undefined : value;
  };
  const secrets = (...names: readonly Name[]) => names.flatMap((name) => secret(name) ?? []);
  const whole = (name: Name, usual: number, most: number): number => {
    const value = Number(text(name) ?? usual);
    if (!Number.isInteger(value) || value < 0 || value > most) {
      faults.push(`${name} must be a whole number from 0 to ${most}.`);
    }
    return value;
  };
  // What opens one door, whoever knows it could else open another with.
  const doors = (["SCIM_TOKEN", "CRON_SECRET", "OPENROUTER_MANAGEMENT_KEY"] as const).flatMap((name) => {
    const value = text(name);
    return value === undefined ? [] : [{ name, value }];
  });
  for (const [place, door] of doors.entries()) {
    const same = doors.slice(0, place).find(({ value }) => value === door.value);
    if (same !== undefined) faults.push(`${same.name} and ${door.name} are the same: give each a secret of its own.`);
  }
  const mode = text("NIGHTLY_MODE") ?? "report";
  if (mode !== "report" && mode !== "enforce") faults.push("NIGHTLY_MODE must be report or enforce.");
  const schedule = text("NIGHTLY_SCHEDULE");
  if (schedule !== undefined && !/^[\w*/,-]+(?: [\w*/,-]+){4}$/.test(schedule)) {
    faults.push('NIGHTLY_SCHEDULE must be a cron expression of five fields, in UTC, such as "15 2 * * *".');
  }
  const canary = text("DIRECTORY_CANARY");
  if (canary !== undefined && /\s/.test(canary)) {
    faults.push("DIRECTORY_CANARY must be the id or e-mail address of one person.");
  }
  const heartbeatUrl = text("HEARTBEAT_URL");
  if (heartbeatUrl !== undefined) address("HEARTBEAT_URL", heartbeatUrl);
  return {
    google: readGoogle(text, address, faults),
    entra: readEntra(text, address, faults),
    directoryCanary: canary,
    scim: text("SCIM_TOKEN") === undefined ? undefined : { tokens: secrets("SCIM_TOKEN", "SCIM_TOKEN_PREVIOUS") },
    cronSecrets: secrets("CRON_SECRET", "CRON_SECRET_PREVIOUS"),
    nightly: {
      mode: mode === "enforce" ? "enforce" : "report",
      minIntervalSeconds: whole("NIGHTLY_MIN_INTERVAL_SECONDS", 300, 86_400),
      keepRevokedDays: whole("REVOKED_KEEP_DAYS", 30, 3_650),
    },
    nightlySchedule: schedule,
    heartbeatUrl,
  };
}

/** An address with the service's own path: given with it or without, since both are what people copy. */
function withPath(address: string, path: string): string {
  return address.endsWith(path) ? address : `${address}${path}`;
}

/** A field of the JSON that Google gives out with a service account; undefined when it is no text. */
function field(json: unknown, name: string): string | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(Object(json), name)?.value;
  return typeof value === "string" ? value : undefined;
}

function readGoogle(text: ReadText, address: ReadAddress, faults: string[]): GoogleSettings | undefined {
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
  let key: unknown;
  try {
    key = JSON.parse(json);
  } catch {
    faults.push("GOOGLE_SA_KEY_JSON is not JSON: give the whole content of the key's file.");
    return undefined;
  }
  const [type, email, privateKey, privateKeyId, tokenUri] = (
    ["type", "client_email", "private_key", "private_key_id", "token_uri"] as const
  ).map((name) => field(key, name));
  if (
    type !== "service_account" ||
    email === undefined ||
    privateKey === undefined ||
    !/^[\x21-\x7e]+@[\x21-\x7e]+$/.test(email) ||
    !/-----BEGIN PRIVATE KEY-----/.test(privateKey)
  ) {
    faults.push("GOOGLE_SA_KEY_JSON is not the key of a service account: it needs type, client_email and private_key.");
    return undefined;
  }
  const tokenUrl = tokenUri ?? "https://oauth2.googleapis.com/token";
  if (!isTokenUrl(tokenUrl, url)) {
    faults.push("GOOGLE_SA_KEY_JSON names a token_uri that is neither Google's nor beside GOOGLE_DIRECTORY_URL.");
  }
  return {
    url,
    serviceAccount: {
      email,
      // Some ways of passing JSON on escape the line ends once more.
      privateKey: privateKey.replaceAll("\\n", "\n"),
      privateKeyId,
      tokenUrl,
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

function readEntra(text: ReadText, address: ReadAddress, faults: string[]): EntraSettings | undefined {
  const required = ["ENTRA_TENANT_ID", "ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET"] as const;
  // Where people sign in with an access token of the tenant, tenant and sign-in are given for that alone.
  const shared = text("ENTRA_API_AUDIENCE") === undefined ? (["ENTRA_TENANT_ID", "ENTRA_LOGIN_URL"] as const) : [];
  const own = ["ENTRA_CLIENT_ID", "ENTRA_CLIENT_SECRET", "GRAPH_URL"] as const;
  const given = [...shared, ...own].filter((name) => text(name));
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
