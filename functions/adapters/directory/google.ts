import * as z from "zod/mini";

import type { DirectoryReply, Finding } from "../../policy/evidence.ts";
import { isGoogleDeleted, looksActiveAtGoogle, readGoogleUser, readGoogleUserByEmail } from "../../policy/evidence.ts";
import type { DirectoryAnswer, DirectoryPerson, DirectorySource } from "../../services/directory.ts";
import type { Fetch, JsonClient } from "../json-client.ts";
import { createJsonClient } from "../json-client.ts";
import type { BearerSource } from "./bearer.ts";
import { askWithBearer, createBearerSource } from "./bearer.ts";
import { mapLimited } from "../../services/map-limited.ts";
import { confirmDeletions, runRound } from "./round.ts";
import type { Survey } from "./round.ts";
import { createSightings } from "../../services/sightings.ts";

/**
 * Google Workspace's Directory API. The service account reads users with an administrator's role of its own, or in the
 * name of `subject` by domain-wide delegation. The token goes to `url` and nowhere else; what is signed for the token
 * endpoint names that endpoint as its audience, so that no other could use it.
 */
export interface GoogleDirectoryOptions {
  /** Ends in `/admin/directory/v1`. */
  readonly url: string;
  readonly serviceAccount: {
    readonly email: string;
    readonly privateKey: string;
    readonly privateKeyId: string | undefined;
    readonly tokenUrl: string;
  };
  /** The administrator who is impersonated; undefined when the service account has a role itself. */
  readonly subject: string | undefined;
  /** The id or address of a person known to be active. */
  readonly canary: string | undefined;
  readonly fetch: Fetch;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly clock: () => number;
  readonly timeoutMs?: number;
  readonly askAllUpTo?: number;
}

const scope = "https://www.googleapis.com/auth/admin.directory.user.readonly";
const userFields = "id,primaryEmail,aliases,nonEditableAliases,suspended,archived,customerId";
const listFields = "nextPageToken,users(id,primaryEmail,suspended,archived)";
const deletedFields = "nextPageToken,users(id,deletionTime)";

const atOnce = 64;
/** Of 2,400 queries a minute. Beyond, requests are spread so that they stay below 40 a second. */
const burst = 1_600;
const spreadMs = (atOnce / 35) * 1_000;
/** Pages of which every row was seen before, or without any: more in a row are no list but a loop. */
const mostStalePages = 3;

const Page = z.object({
  users: z._default(z.array(z.unknown()), []),
  nextPageToken: z.optional(z.string()),
});
const Row = z.object({ id: z.string().check(z.minLength(1)) });
const Customer = z.object({ customerId: z.string().check(z.regex(/^C[0-9a-z]+$/)) });

export function createGoogleDirectory(options: GoogleDirectoryOptions): DirectorySource {
  const bearers = createGoogleBearers(options);

  /** The state of one round: its client, its pace, and the customer's id once it is known. */
  function begin(signal: AbortSignal) {
    const client = createJsonClient({
      name: "Google",
      fetch: options.fetch,
      wait: options.wait,
      isBusy: isRateLimit,
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
    let sent = 0;
    // A service account without delegation belongs to no customer, so that "mine" may mean nothing.
    let customer = "my_customer";

    async function get(path: string, query: Readonly<Record<string, string>>): Promise<DirectoryReply> {
      sent += 1;
      if (sent > burst) await options.wait(spreadMs, signal).catch(() => undefined);
      const url = `${options.url}${path}?${new URLSearchParams(query).toString()}`;
      return askWithBearer(bearers, client, { method: "GET", url }, signal);
    }

    const getUser = (key: string): Promise<DirectoryReply> =>
      get(`/users/${encodeURIComponent(key)}`, { fields: userFields });

    async function readCanary(): Promise<Finding | undefined> {
      if (options.canary === undefined) return undefined;
      const isAddress = options.canary.includes("@");
      const canary = isAddress ? options.canary.toLowerCase() : options.canary;
      const reply = await getUser(canary);
      if (options.subject === undefined && reply.kind === "answered") {
        const parsed = Customer.safeParse(reply.body);
        if (parsed.success) customer = parsed.data.customerId;
      }
      return isAddress ? readGoogleUserByEmail(reply, canary).finding : readGoogleUser(reply, canary, false);
    }

    async function askOne(person: DirectoryPerson, canaryHolds: boolean): Promise<DirectoryAnswer> {
      const { personId, subject, email } = person;
      const reply = await getUser(subject ?? email);
      if (subject !== undefined) {
        return { personId, finding: readGoogleUser(reply, subject, canaryHolds), isProven: true };
      }
      const { finding, id } = readGoogleUserByEmail(reply, email);
      return { personId, finding, isProven: true, ...(id === undefined ? {} : { subject: id }) };
    }

    async function ask(people: readonly DirectoryPerson[], canaryHolds: boolean): Promise<readonly DirectoryAnswer[]> {
      const answers = await mapLimited(people, atOnce, (person) => askOne(person, canaryHolds));
      return confirmDeletions(people, answers, "Google says that the account was deleted.", findDeleted);
    }

    /** Who of them is among the accounts deleted in the last 20 days. Nobody when that cannot be found out. */
    async function findDeleted(people: readonly DirectoryPerson[]): Promise<ReadonlySet<string>> {
      const bySubject = new Map(people.map((person) => [person.subject, person.personId]));
      const deleted = new Set<string>();
      const sightings = createSightings();
      await walk({ showDeleted: "true", fields: deletedFields }, (id, row) => {
        const personId = bySubject.get(id);
        if (personId !== undefined && isGoogleDeleted(row, id)) deleted.add(personId);
        return sightings.see(id, true);
      });
      return deleted;
    }

    /** Every row of a list, page by page; `visit` says whether it is a new one. Why the list is not whole, if so. */
    async function walk(
      query: Readonly<Record<string, string>>,
      visit: (id: string, row: unknown) => boolean,
    ): Promise<string | undefined> {
      let pageToken: string | undefined;
      for (let stale = 0; stale < mostStalePages;) {
        const reply = await get("/users", {
          customer,
          maxResults: "500",
          ...query,
          ...(pageToken === undefined ? {} : { pageToken }),
        });
        if (reply.kind === "failed") return reply.reason;
        if (reply.status !== 200) return `Google answered ${reply.status} for the list of users.`;
        const page = Page.safeParse(reply.body);
        if (!page.success) return "Google answered with something other than a list of users.";
        let isStale = true;
        for (const entry of page.data.users) {
          const row = Row.safeParse(entry);
          if (!row.success) continue;
          if (visit(row.data.id, entry)) isStale = false;
        }
        pageToken = page.data.nextPageToken;
        if (pageToken === undefined || pageToken === "") return undefined;
        stale = isStale ? stale + 1 : 0;
      }
      return "Google's list of users goes round in circles.";
    }

    async function survey(): Promise<Survey> {
      const sightings = createSightings();
      const failure = await walk({ fields: listFields }, (id, row) => sightings.see(id, looksActiveAtGoogle(row)));
      return {
        looksActive: ({ subject }) => subject !== undefined && sightings.looksActive(subject),
        failure,
        memory: undefined,
      };
    }

    return { ask, askOne, readCanary, survey };
  }

  return {
    name: "Google",
    ask: (person, signal) => begin(signal).askOne(person, false),
    check(people, _memory, signal) {
      const { ask, readCanary, survey } = begin(signal);
      return runRound(
        { askAllUpTo: options.askAllUpTo ?? 500, batchSize: 500, ask, readCanary, survey },
        people,
        signal,
      );
    },
  };
}

const GoogleError = z.object({ error: z.object({ errors: z.array(z.object({ reason: z.string() })) }) });

/** Google says "too fast" with 403, which is "not allowed" everywhere else. */
function isRateLimit(status: number, body: unknown): boolean {
  const parsed = GoogleError.safeParse(body);
  return (
    status === 403 &&
    parsed.success &&
    parsed.data.error.errors.some(({ reason }) =>
      ["userRateLimitExceeded", "rateLimitExceeded", "quotaExceeded"].includes(reason),
    )
  );
}

function createGoogleBearers(options: GoogleDirectoryOptions): BearerSource {
  const { serviceAccount, subject } = options;
  return createBearerSource({
    clock: options.clock,
    refused:
      subject === undefined
        ? "Google refused the service account"
        : "Google refused the service account in the name of GOOGLE_DIRECTORY_SUBJECT, who may have left",
    async request(client: JsonClient, signal) {
      let assertion: string;
      try {
        // Loaded here: only a token needs it, not a start.
        const { SignJWT, importPKCS8 } = await import("jose");
        const seconds = Math.floor(options.clock() / 1_000);
        const unsigned = new SignJWT({ scope })
          .setProtectedHeader({
            alg: "RS256",
            typ: "JWT",
            ...(serviceAccount.privateKeyId === undefined ? {} : { kid: serviceAccount.privateKeyId }),
          })
          .setIssuer(serviceAccount.email)
          .setAudience(serviceAccount.tokenUrl)
          .setIssuedAt(seconds)
          .setExpirationTime(seconds + 3_600);
        if (subject !== undefined) unsigned.setSubject(subject);
        assertion = await unsigned.sign(await importPKCS8(serviceAccount.privateKey, "RS256"));
      } catch {
        // The error may quote the key.
        return { kind: "failed", reason: "The private key in GOOGLE_SA_KEY_JSON cannot be used." };
      }
      const form = new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
      return client.ask(
        {
          method: "POST",
          url: serviceAccount.tokenUrl,
          headers: { "Content-Type": "application/x-www-form-urlencoded" },
          body: form.toString(),
        },
        signal,
      );
    },
  });
}
