import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import type { NightlyRun } from "../../../functions/services/nightly-store.ts";
import type { FunctionOptions, RunningFunction } from "../function.ts";
import { startFunction } from "../function.ts";
import type { Person } from "../issuer/people.ts";
import type { GoogleStandIn } from "./google.ts";
import { googleAdmin, startGoogle } from "./google.ts";

/** The function of a company whose staff are in Google's directory, where they sign in as well. */
export interface Company {
  readonly running: RunningFunction;
  readonly google: GoogleStandIn;
  /** Makes somebody a member of staff; may be called again with other facts. */
  readonly hire: (name: string, facts?: Partial<GoogleFacts>) => string;
  /** The issuer knows whoever had this subject by another from now on: somebody else has the address. */
  readonly rename: (subject: string, to: string) => void;
  /** The run that ended last, as it was kept. */
  readonly latestRun: () => Promise<NightlyRun | undefined>;
  readonly stop: () => Promise<void>;
}

interface GoogleFacts {
  readonly suspended: boolean;
  readonly archived: boolean;
  readonly deletionTime: string;
}

const canary = "canary@example.com";
export const cronSecret = "cron-secret-of-forty-characters-exactly!";
export const scimToken = "scim-token-of-forty-characters-exactly!!";

/** Everybody is hired before they sign in. `ada` is the administrator and works here from the start. */
export async function startCompany(
  stores: Stores,
  environment: Readonly<Record<string, string>> = {},
  options: Partial<FunctionOptions> = {},
): Promise<Company> {
  const google = await startGoogle();
  const people: Person[] = [];
  const running = await startFunction({
    stores,
    hurries: true,
    ...options,
    environment: {
      GOOGLE_SA_KEY_JSON: JSON.stringify(google.serviceAccountKey),
      GOOGLE_DIRECTORY_SUBJECT: googleAdmin,
      GOOGLE_DIRECTORY_URL: google.url,
      DIRECTORY_CANARY: canary,
      CRON_SECRET: cronSecret,
      NIGHTLY_MODE: "enforce",
      NIGHTLY_MIN_INTERVAL_SECONDS: "0",
      ADMIN_EMAILS: "ada@example.com,boss@example.com",
      ...environment,
    },
    issuer: { people },
  });
  const company: Company = {
    running,
    google,
    hire(name, facts = {}) {
      const email = `${name}@example.com`;
      const known = people.find((person) => person.email === email);
      const subject = known?.subject ?? `1000${people.length.toString().padStart(17, "0")}`;
      if (known === undefined) people.push({ subject, email, emailVerified: true, hostedDomain: "example.com" });
      google.users.set(subject, { id: subject, primaryEmail: email, ...facts });
      return subject;
    },
    rename(subject, to) {
      const index = people.findIndex((person) => person.subject === subject);
      const person = people[index];
      if (person !== undefined) people[index] = { ...person, subject: to };
    },
    latestRun: () => stores.nightly.latestRun(),
    async stop() {
      await running.stop();
      await google.stop();
    },
  };
  google.users.set("canary", { id: "canary", primaryEmail: canary });
  company.hire("ada");
  company.hire("boss");
  return company;
}
