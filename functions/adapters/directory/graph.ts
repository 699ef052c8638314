import * as z from "zod/mini";

import { isLoopbackAddress } from "../../policy/address.ts";
import type { DirectoryReply, Finding } from "../../policy/evidence.ts";
import { isGraphDeleted, looksActiveAtGraph, readGraphUser, readGraphUserByEmail } from "../../policy/evidence.ts";
import type { DirectoryAnswer, DirectoryPerson, DirectorySource } from "../../services/directory.ts";
import type { Fetch } from "../json-client.ts";
import { createJsonClient } from "../json-client.ts";
import type { BearerSource } from "./bearer.ts";
import { askWithBearer, createBearerSource } from "./bearer.ts";
import { missingItem, readBatch } from "./graph-batch.ts";
import { mapLimited } from "../../services/map-limited.ts";
import { confirmDeletions, runRound } from "./round.ts";
import type { Survey } from "./round.ts";
import type { Sightings } from "../../services/sightings.ts";
import { createSightings } from "../../services/sightings.ts";

/**
 * Microsoft Entra by Microsoft Graph, as an application with User.Read.All. The token goes to `url` and nowhere else:
 * the addresses of further pages come from answers and from storage, and are followed only below `url`.
 */
export interface GraphDirectoryOptions {
  /** Ends in `/v1.0`. */
  readonly url: string;
  /** Microsoft's sign-in, without a slash at its end. */
  readonly loginUrl: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The object id or user principal name of a person known to be active. */
  readonly canary: string | undefined;
  readonly fetch: Fetch;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly clock: () => number;
  readonly timeoutMs?: number;
  readonly askAllUpTo?: number;
}

const userFields = "id,accountEnabled";
const personFields = "id,accountEnabled,userPrincipalName,mail";
const perBatch = 20;
const batchesAtOnce = 8;
const mostTries = 3;
const longestPauseSeconds = 60;
/** Pages of which every row was seen before, or without any: more in a row are no list but a loop. */
const mostStalePages = 3;
/** Delta tokens live 7 days; before that everybody is listed anew, so that a change that was lost is found. */
const memoryLifeMs = 6 * 24 * 3_600_000;

const Page = z.object({
  value: z.array(z.unknown()),
  "@odata.nextLink": z.optional(z.string()),
  "@odata.deltaLink": z.optional(z.string()),
});
const Row = z.object({ id: z.string().check(z.minLength(1)) });
const Memory = z.object({ deltaLink: z.string(), listedAt: z.number() });
const GraphError = z.object({ error: z.object({ code: z.string() }) });

export function createGraphDirectory(options: GraphDirectoryOptions): DirectorySource {
  const bearers = createEntraBearers(options);

  function begin(signal: AbortSignal) {
    const client = createJsonClient({
      name: "Microsoft Graph",
      fetch: options.fetch,
      wait: options.wait,
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });

    const get = (url: string) => askWithBearer(bearers, client, { method: "GET", url }, signal);
    const getUser = (key: string): Promise<DirectoryReply> => get(`${options.url}${userPath(key, personFields)}`);

    async function readCanary(): Promise<Finding | undefined> {
      if (options.canary === undefined) return undefined;
      const isAddress = options.canary.includes("@");
      const canary = isAddress ? options.canary.toLowerCase() : options.canary;
      const reply = await getUser(canary);
      return isAddress ? readGraphUserByEmail(reply, canary).finding : readGraphUser(reply, canary, false);
    }

    async function askOne({ personId, subject, email }: DirectoryPerson): Promise<DirectoryAnswer> {
      const reply = await getUser(subject ?? email);
      if (subject !== undefined) return { personId, finding: readGraphUser(reply, subject, false), isProven: true };
      const { finding, id } = readGraphUserByEmail(reply, email);
      return { personId, finding, isProven: true, ...(id === undefined ? {} : { subject: id }) };
    }

    async function ask(people: readonly DirectoryPerson[], canaryHolds: boolean): Promise<readonly DirectoryAnswer[]> {
      const replies = await askInBatches(
        people.map(({ subject, email }) =>
          subject === undefined ? userPath(email, personFields) : userPath(subject, userFields),
        ),
      );
      const answers = people.map(({ personId, subject, email }, index): DirectoryAnswer => {
        const reply = replies[index] ?? missingItem;
        if (subject !== undefined) {
          return { personId, finding: readGraphUser(reply, subject, canaryHolds), isProven: true };
        }
        const { finding, id } = readGraphUserByEmail(reply, email);
        return { personId, finding, isProven: true, ...(id === undefined ? {} : { subject: id }) };
      });
      return confirmDeletions(people, answers, "Microsoft Entra says that the account was deleted.", findDeleted);
    }

    /** Who of them lies among the deleted items. Nobody of whom that cannot be found out. */
    async function findDeleted(people: readonly DirectoryPerson[]): Promise<ReadonlySet<string>> {
      const replies = await askInBatches(
        people.map(({ subject }) => `/directory/deletedItems/${encodeURIComponent(subject ?? "")}?$select=id`),
      );
      return new Set(
        people.flatMap(({ personId, subject }, index) =>
          subject !== undefined && isGraphDeleted(replies[index] ?? missingItem, subject) ? [personId] : [],
        ),
      );
    }

    /** One reply for each path, in order. */
    async function askInBatches(paths: readonly string[]): Promise<readonly DirectoryReply[]> {
      const batches = Array.from({ length: Math.ceil(paths.length / perBatch) }, (_, index) =>
        paths.slice(index * perBatch, (index + 1) * perBatch),
      );
      return (await mapLimited(batches, batchesAtOnce, askBatch)).flat();
    }

    /** A batch succeeds as a whole and fails in parts: each item is classified, and throttled ones are sent again. */
    async function askBatch(paths: readonly string[]): Promise<readonly DirectoryReply[]> {
      const replies: DirectoryReply[] = paths.map(() => missingItem);
      let open = paths.map((_, index) => index);
      for (let attempt = 1; ; attempt += 1) {
        const body = JSON.stringify({
          requests: open.map((index) => ({ id: String(index), method: "GET", url: paths[index] })),
        });
        const reply = await askWithBearer(
          bearers,
          client,
          { method: "POST", url: `${options.url}/$batch`, body },
          signal,
        );
        const items = readBatch(reply);
        const busy: number[] = [];
        let pauseSeconds = 0;
        for (const index of open) {
          const item = items(String(index));
          replies[index] = item;
          if (item.kind === "failed" || (item.status !== 429 && item.status < 500)) continue;
          busy.push(index);
          pauseSeconds = Math.max(pauseSeconds, item.retryAfter ?? 0);
        }
        if (busy.length === 0 || attempt === mostTries || pauseSeconds > longestPauseSeconds || signal.aborted) {
          return replies;
        }
        open = busy;
        await options
          .wait(pauseSeconds * 1_000 + 200 * 2 ** attempt * (0.5 + Math.random()), signal)
          .catch(() => undefined);
      }
    }

    /** Every row from `url` on; `visit` says whether it is a new one. */
    async function walk(url: string, visit: (id: string, row: unknown) => boolean): Promise<Outcome> {
      let next = url;
      for (let stale = 0; stale < mostStalePages;) {
        // A page's address comes from outside, and the token goes wherever it points.
        if (!isBelow(next, options.url)) {
          return { failure: "Microsoft Graph's list goes on at another address.", isExpired: true };
        }
        const reply = await get(next);
        if (reply.kind === "failed") return { failure: reply.reason, isExpired: false };
        if (reply.status !== 200) {
          const error = GraphError.safeParse(reply.body);
          const code = error.success ? error.data.error.code.toLowerCase() : "";
          const isExpired = reply.status === 410 || code === "syncstatenotfound" || code === "resyncrequired";
          return { failure: `Microsoft Graph answered ${reply.status} for the list of users.`, isExpired };
        }
        const page = Page.safeParse(reply.body);
        if (!page.success) {
          return { failure: "Microsoft Graph answered with something other than a list of users.", isExpired: false };
        }
        let isStale = true;
        for (const entry of page.data.value) {
          const row = Row.safeParse(entry);
          if (row.success && visit(row.data.id.toLowerCase(), entry)) isStale = false;
        }
        const { "@odata.nextLink": nextLink, "@odata.deltaLink": deltaLink } = page.data;
        if (nextLink === undefined) return { deltaLink };
        next = nextLink;
        stale = isStale ? stale + 1 : 0;
      }
      return { failure: "Microsoft Graph's list of users goes round in circles.", isExpired: true };
    }

    async function survey(memory: string | undefined): Promise<Survey> {
      const now = options.clock();
      const remembered = readMemory(memory, now);
      if (remembered !== undefined) {
        const changes = createSightings();
        const outcome = await walk(remembered.deltaLink, (id) => changes.see(id, true));
        if ("deltaLink" in outcome && outcome.deltaLink !== undefined) {
          return {
            // No change since this source said "active" is as good as a row that says it again.
            looksActive: ({ subject, wasActive }) =>
              wasActive && subject !== undefined && !changes.looksActive(subject.toLowerCase()),
            failure: undefined,
            memory: JSON.stringify({ ...remembered, deltaLink: outcome.deltaLink }),
          };
        }
        // Unless Graph no longer knows the link, it is as good for the next round as it was for this.
        if ("failure" in outcome && !outcome.isExpired) {
          return { looksActive: () => false, failure: outcome.failure, memory };
        }
      }
      return listEverybody(now);
    }

    /**
     * Changes are counted from before the list is read, so that none falls in between. The list of changes could list
     * everybody too, but only 200 a page, whatever is asked for; it does so where the short way is not known.
     */
    async function listEverybody(now: number): Promise<Survey> {
      const latest = await look(`/delta?$deltatoken=latest&$select=${userFields}&$top=999`);
      if (latest.failure === undefined && latest.deltaLink !== undefined) {
        if (latest.rows > 0) return surveyOf(latest, latest.deltaLink, now);
        const list = await look(`?$select=${userFields}&$top=999`);
        if (list.failure === undefined) return surveyOf(list, latest.deltaLink, now);
      }
      const changes = await look(`/delta?$select=${userFields}&$top=999`);
      return surveyOf(changes, changes.deltaLink, now);
    }

    async function look(query: string): Promise<Look> {
      const sightings = createSightings();
      let rows = 0;
      const outcome = await walk(`${options.url}/users${query}`, (id, row) => {
        rows += 1;
        return sightings.see(id, looksActiveAtGraph(row));
      });
      return "failure" in outcome
        ? { sightings, rows, failure: outcome.failure, deltaLink: undefined }
        : { sightings, rows, failure: undefined, deltaLink: outcome.deltaLink };
    }

    return { ask, askOne, readCanary, survey };
  }

  return {
    name: "Microsoft Entra",
    ask: (person, signal) => begin(signal).askOne(person),
    check(people, memory, signal) {
      const { ask, readCanary, survey } = begin(signal);
      return runRound(
        {
          askAllUpTo: options.askAllUpTo ?? 500,
          batchSize: 500,
          ask,
          readCanary,
          survey: () => survey(memory),
        },
        people,
        signal,
      );
    },
  };
}

interface Look {
  readonly sightings: Sightings;
  readonly rows: number;
  readonly failure: string | undefined;
  readonly deltaLink: string | undefined;
}

function surveyOf({ sightings, failure }: Look, deltaLink: string | undefined, listedAt: number): Survey {
  return {
    looksActive: ({ subject }) => subject !== undefined && sightings.looksActive(subject.toLowerCase()),
    failure,
    memory: deltaLink === undefined ? undefined : JSON.stringify({ deltaLink, listedAt }),
  };
}

/** The delta link at the end of a list, if it has one, or why the list is not whole. */
type Outcome = { readonly deltaLink: string | undefined } | { readonly failure: string; readonly isExpired: boolean };

function userPath(key: string, fields: string): string {
  return `/users/${encodeURIComponent(key)}?$select=${fields}`;
}

function isBelow(url: string, base: string): boolean {
  return url.startsWith(`${base}/users`) && !/[\\@#\s]|\/\.\.?(?:\/|$)/.test(url);
}

/** What an earlier round ended with, unless it is too old or not ours. */
function readMemory(memory: string | undefined, now: number): z.infer<typeof Memory> | undefined {
  if (memory === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(memory);
  } catch {
    return undefined;
  }
  const parsed = Memory.safeParse(value);
  if (!parsed.success) return undefined;
  const age = now - parsed.data.listedAt;
  return age >= 0 && age < memoryLifeMs ? parsed.data : undefined;
}

function createEntraBearers(options: GraphDirectoryOptions): BearerSource {
  // National clouds have their own; a stand-in on this machine takes Microsoft's.
  const resource = isLoopbackAddress(options.url) ? "https://graph.microsoft.com" : new URL(options.url).origin;
  return createBearerSource({
    clock: options.clock,
    refused: "Microsoft Entra refused the application; its secret may have run out",
    request: (client, signal) =>
      client.ask(
        {
          method: "POST",
          url: `${options.loginUrl}/${encodeURIComponent(options.tenantId)}/oauth2/v2.0/token`,
          headers: { "Content-Type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({
            grant_type: "client_credentials",
            client_id: options.clientId,
            client_secret: options.clientSecret,
            scope: `${resource}/.default`,
          }).toString(),
        },
        signal,
      ),
  });
}
