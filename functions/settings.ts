import * as z from "zod/mini";

import type { DirectorySettings } from "./directory-settings.ts";
import { directoryNames, readDirectorySettings } from "./directory-settings.ts";
import { isLoopbackAddress, isSafeAddress } from "./policy/address.ts";
import { normaliseEmail } from "./policy/email.ts";
import type { Plan } from "./policy/plan.ts";
import { safePlan } from "./policy/plan.ts";
import type { SignInSettings } from "./sign-in-settings.ts";
import { readSignInSettings, signInNames } from "./sign-in-settings.ts";

/** What a deployment decides, parsed once from the environment. Names and defaults: the README's table. */
export interface Settings extends SignInSettings, DirectorySettings {
  readonly port: number;
  readonly host: string;
  /** The function's own address as browsers see it, without a slash at its end. */
  readonly publicUrl: string;
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly openRouter: { readonly managementKey: string; readonly baseUrl: string };
  readonly allowedDomains: readonly string[];
  readonly adminEmails: readonly string[];
  readonly plans: readonly Plan[];
  readonly sessionRedirects: readonly string[];
  /** The collector that is told what is measured, without a slash at its end; undefined: none. */
  readonly telemetryEndpoint: string | undefined;
}

/** Every fault in one message; no value in it, since some are secrets. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The settings are not usable:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`);
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names read here; a variable that is nearly one of these is a typing mistake, and silence would hide it. */
export const settingNames = [
  "PORT",
  "HOST",
  "PUBLIC_URL",
  "DATABASE_URL",
  "DATA_DIR",
  "OPENROUTER_MANAGEMENT_KEY",
  "OPENROUTER_BASE_URL",
  ...signInNames,
  ...directoryNames,
  "ALLOWED_DOMAINS",
  "ADMIN_EMAILS",
  "PLANS",
  "PLANS_FILE",
  "SESSION_REDIRECTS",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
] as const;
type Name = (typeof settingNames)[number];

/** `readTextFile` is for PLANS_FILE; hosts without files leave it out. Throws SettingsError. */
export function readSettings(environment: Environment, readTextFile?: (path: string) => string): Settings {
  const faults: string[] = misspelt(environment);
  const text = (name: Name): string | undefined => {
    const value = environment[name]?.trim();
    return value === "" ? undefined : value;
  };
  const required = (name: Name, what: string): string => {
    const value = text(name);
    if (value === undefined) faults.push(`${name} is missing: ${what}.`);
    return value ?? "";
  };
  const address = (name: Name, value: string): string => {
    if (value !== "" && !isSafeAddress(value)) {
      faults.push(
        `${name} must be an https address; plain http is accepted only for this machine (127.0.0.1, localhost).`,
      );
    }
    return value.replace(/\/+$/, "");
  };
  const list = (name: Name): readonly string[] =>
    (text(name) ?? "")
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");

  const port = readPort(text("PORT"), faults);
  const host = text("HOST") ?? "127.0.0.1";
  const settings: Settings = {
    port,
    host,
    publicUrl: readPublicUrl(text("PUBLIC_URL"), host, port, faults),
    databaseUrl: readDatabaseUrl(text("DATABASE_URL"), faults),
    dataDir: text("DATA_DIR") ?? ".data",
    openRouter: {
      managementKey: required("OPENROUTER_MANAGEMENT_KEY", "make one at OpenRouter under Settings, Management Keys"),
      baseUrl: address("OPENROUTER_BASE_URL", text("OPENROUTER_BASE_URL") ?? "https://openrouter.ai/api/v1"),
    },
    ...readSignInSettings({ text, required, address, list, faults }),
    ...readDirectorySettings({ text, address, faults }),
    allowedDomains: list("ALLOWED_DOMAINS").map((domain) => domain.toLowerCase()),
    adminEmails: readEmails("ADMIN_EMAILS", list("ADMIN_EMAILS"), faults),
    plans: readPlans(text("PLANS"), text("PLANS_FILE"), readTextFile, faults),
    sessionRedirects: readRedirects(list("SESSION_REDIRECTS"), faults),
    telemetryEndpoint: readCollector(text("OTEL_EXPORTER_OTLP_ENDPOINT"), faults),
  };
  if (settings.allowedDomains.length === 0) {
    faults.push(
      "ALLOWED_DOMAINS is missing: the e-mail domains of your company, separated by commas. Without it nobody may sign in.",
    );
  }
  for (const domain of settings.allowedDomains) {
    if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(domain))
      faults.push("ALLOWED_DOMAINS has an entry that is not a domain such as example.com.");
  }
  // A setting that two parts read is told once.
  if (faults.length > 0) throw new SettingsError([...new Set(faults)]);
  return settings;
}

function misspelt(environment: Environment): string[] {
  const known = new Set<string>(settingNames);
  return Object.keys(environment).flatMap((name) => {
    if (known.has(name) || name.length < 8) return [];
    const meant = settingNames.find((candidate) => candidate.length >= 8 && isNear(name, candidate));
    // Two real settings may be near each other; only a missing one can have been meant.
    return meant === undefined || environment[meant] !== undefined
      ? []
      : [`${name} is not a setting; was ${meant} meant?`];
  });
}

/** One letter wrong, missing, added, or two swapped. */
function isNear(left: string, right: string): boolean {
  let start = 0;
  while (start < left.length && left[start] === right[start]) start += 1;
  let end = 0;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const [a, b] = [left.slice(start, left.length - end), right.slice(start, right.length - end)];
  return (a.length <= 1 && b.length <= 1) || (a.length === 2 && b.length === 2 && a[0] === b[1] && a[1] === b[0]);
}

function readPort(value: string | undefined, faults: string[]): number {
  const port = value === undefined ? 8787 : Number(value);
  if (!/^\d*$/.test(value ?? "") || port > 65_535)
    faults.push("PORT must be a number from 0 to 65535; 0 takes a free one.");
  return port;
}

function readPublicUrl(value: string | undefined, host: string, port: number, faults: string[]): string {
  if (value === undefined) {
    const isLoopback = host === "127.0.0.1" || host === "localhost" || host === "::1";
    if (!isLoopback) faults.push("PUBLIC_URL is missing: the https address under which browsers reach the function.");
    return `http://127.0.0.1:${port}`;
  }
  const url = value.replace(/\/+$/, "");
  if (!isSafeAddress(url) || /[?]/.test(url)) {
    faults.push("PUBLIC_URL must be an https address without a query; plain http is accepted only for this machine.");
  }
  return url;
}

function readDatabaseUrl(value: string | undefined, faults: string[]): string | undefined {
  if (value !== undefined && !/^postgres(?:ql)?:\/\/[^\s]+$/.test(value)) {
    faults.push("DATABASE_URL must begin with postgres:// or postgresql://; leave it out for the embedded database.");
  }
  return value;
}

function readEmails(name: Name, emails: readonly string[], faults: string[]): readonly string[] {
  return emails.flatMap((email) => {
    const normal = normaliseEmail(email);
    if (normal === undefined) faults.push(`${name} has an entry that is not a plain ASCII e-mail address.`);
    return normal === undefined ? [] : [normal];
  });
}

function readRedirects(addresses: readonly string[], faults: string[]): readonly string[] {
  for (const address of addresses) {
    const isExact =
      /^https:\/\/[^\s/?#@\\*]+\/[^\s?#\\*]*$/.test(address) || (isLoopbackAddress(address) && !/[?#*]/.test(address));
    if (!isExact) {
      faults.push("SESSION_REDIRECTS takes exact https addresses with a path and without wildcard, query or fragment.");
    }
  }
  return addresses;
}

/** Plain http is the usual way to a collector beside the function, and nothing told to it is secret. */
function readCollector(value: string | undefined, faults: string[]): string | undefined {
  if (value !== undefined && !/^https?:\/\/[^\s/?#@\\]+(?:\/[^\s?#\\]*)?$/.test(value)) {
    faults.push(
      "OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address without user, query or fragment, such as http://localhost:4318.",
    );
  }
  return value?.replace(/\/+$/, "");
}

const Money = z.number().check(
  z.gte(0),
  z.lte(1_000_000),
  z.refine((usd) => Math.abs(usd * 100 - Math.round(usd * 100)) < 1e-6),
);
const Positive = z.int().check(z.gte(0), z.lte(100_000));
const Names = z.array(z.string().check(z.minLength(1)));

const PlanSetting = z
  .strictObject({
    match: z.union([
      z.literal("everyone"),
      z
        .strictObject({ emails: z.optional(Names), domains: z.optional(Names), groups: z.optional(Names) })
        .check(z.refine((match) => Object.keys(match).length > 0)),
    ]),
    maxKeys: z._default(Positive, safePlan.maxKeys),
    budgetUsd: z._default(Money, safePlan.budgetCents / 100),
    reset: z._default(z.enum(["daily", "weekly", "monthly"]), safePlan.reset),
    defaultKeyUsd: z._default(Money, safePlan.defaultKeyCents / 100),
    maxKeyUsd: z._default(Money, safePlan.maxKeyCents / 100),
    maxLifetimeDays: z._default(Positive.check(z.gte(1), z.lte(3_650)), safePlan.maxLifetimeDays),
    createsPerHour: z._default(Positive.check(z.gte(1)), safePlan.createsPerHour),
    workspaceId: z.optional(z.string().check(z.minLength(1))),
    guardrailId: z.optional(z.string().check(z.minLength(1))),
  })
  .check(
    z.refine((plan) => plan.defaultKeyUsd <= plan.maxKeyUsd, { error: "defaultKeyUsd is more than maxKeyUsd" }),
    z.refine((plan) => plan.defaultKeyUsd >= 0.01, { error: "defaultKeyUsd is less than a cent" }),
  );

function readPlans(
  inline: string | undefined,
  file: string | undefined,
  readTextFile: ((path: string) => string) | undefined,
  faults: string[],
): readonly Plan[] {
  if (inline !== undefined && file !== undefined) {
    faults.push("PLANS and PLANS_FILE are both given; keep one.");
    return [];
  }
  const name = file === undefined ? "PLANS" : "PLANS_FILE";
  let json = inline;
  if (file !== undefined) {
    try {
      if (readTextFile === undefined) throw new Error("no files on this host");
      json = readTextFile(file);
    } catch {
      faults.push("PLANS_FILE cannot be read.");
      return [];
    }
  }
  if (json === undefined) return [safePlan];
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    faults.push(`${name} is not JSON.`);
    return [];
  }
  const parsed = z.array(PlanSetting).check(z.minLength(1)).safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) faults.push(`${name}: ${planFault(issue)}`);
    return [];
  }
  return parsed.data.map(toPlan);
}

function planFault(issue: z.core.$ZodIssue): string {
  const [index, ...path] = issue.path;
  const plan = typeof index === "number" ? `plan ${index + 1}` : "the list of plans";
  const field = path.length === 0 ? plan : `${plan}, ${path.map(String).join(".")}`;
  switch (issue.code) {
    case "unrecognized_keys":
      return `${field} has fields that are not known: ${issue.keys.map((key) => JSON.stringify(key)).join(", ")}.`;
    case "custom":
      return path.length === 0 && issue.message !== "Invalid input"
        ? `${plan}: ${issue.message}.`
        : `${field} is not valid.`;
    case "invalid_type":
      return `${field} must be of type ${issue.expected}.`;
    default:
      return `${field} is not valid.`;
  }
}

function toPlan(plan: z.infer<typeof PlanSetting>): Plan {
  return {
    match:
      plan.match === "everyone"
        ? "everyone"
        : {
            ...(plan.match.emails === undefined
              ? {}
              : { emails: plan.match.emails.map((email) => normaliseEmail(email) ?? email) }),
            ...(plan.match.domains === undefined
              ? {}
              : { domains: plan.match.domains.map((domain) => domain.toLowerCase()) }),
            ...(plan.match.groups === undefined ? {} : { groups: plan.match.groups }),
          },
    maxKeys: plan.maxKeys,
    budgetCents: Math.round(plan.budgetUsd * 100),
    reset: plan.reset,
    defaultKeyCents: Math.round(plan.defaultKeyUsd * 100),
    maxKeyCents: Math.round(plan.maxKeyUsd * 100),
    maxLifetimeDays: plan.maxLifetimeDays,
    createsPerHour: plan.createsPerHour,
    ...(plan.workspaceId === undefined ? {} : { workspaceId: plan.workspaceId }),
    ...(plan.guardrailId === undefined ? {} : { guardrailId: plan.guardrailId }),
  };
}
