import type { Clock } from "../../services/deps.ts";
import type { DocumentCache } from "../../services/document-cache.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import type { IssuerFetch } from "./fetch-json.ts";
import { fetchJson } from "./fetch-json.ts";

export interface DocumentMeans {
  readonly fetch: IssuerFetch;
  readonly cache: DocumentCache;
  readonly clock: Clock;
}

export interface DocumentOptions<T> {
  readonly url: string;
  /** Throws IssuerError when the body is not what it should be. */
  readonly parse: (body: unknown) => T;
  readonly freshMs: number;
  /** How old it may be while the issuer does not answer. */
  readonly staleMs: number;
}

export interface IssuerDocument<T> {
  /** Throws IssuerError "unavailable" when there is none that may be used. */
  read(): Promise<T>;
  /** Asks the issuer again, though not twice within 30 seconds; undefined: nothing came of it. */
  renew(): Promise<T | undefined>;
}

/** However often somebody makes us ask, by made-up key ids for instance, the issuer is asked this often. */
const pauseMs = 30_000;

/** A public document of the issuer, kept in memory and in the database. */
export function createIssuerDocument<T>(means: DocumentMeans, options: DocumentOptions<T>): IssuerDocument<T> {
  const { fetch, cache, clock } = means;
  let known: { value: T; fetchedAt: number } | undefined;
  let triedAt = -Infinity;
  let underWay: Promise<T> | undefined;

  async function fetchNow(): Promise<T> {
    triedAt = clock();
    const { status, body } = await fetchJson(fetch, options.url, { method: "GET" });
    if (status !== 200) throw new IssuerError("unavailable", `The issuer answered with ${status}.`);
    const value = options.parse(body);
    known = { value, fetchedAt: triedAt };
    await cache.write(options.url, { body: JSON.stringify(body), fetchedAt: triedAt });
    return value;
  }

  /** Many at once make one request. */
  function fetchOnce(): Promise<T> {
    underWay ??= fetchNow().finally(() => {
      underWay = undefined;
    });
    return underWay;
  }

  async function recall(): Promise<void> {
    const kept = await cache.read(options.url);
    if (kept === undefined || (known !== undefined && known.fetchedAt >= kept.fetchedAt)) return;
    try {
      known = { value: options.parse(JSON.parse(kept.body)), fetchedAt: kept.fetchedAt };
    } catch {
      // What another version of the function kept and this one cannot read is as good as nothing.
    }
  }

  function ifYounger(than: number): T | undefined {
    return known !== undefined && clock() - known.fetchedAt < than ? known.value : undefined;
  }

  return {
    async read() {
      const fresh = ifYounger(options.freshMs);
      if (fresh !== undefined) return fresh;
      await recall();
      const shared = ifYounger(options.freshMs);
      if (shared !== undefined) return shared;
      const stale = ifYounger(options.staleMs);
      // While the issuer is down, not everybody waits for it anew.
      if (stale !== undefined && clock() - triedAt < pauseMs) return stale;
      try {
        return await fetchOnce();
      } catch (error) {
        if (stale === undefined || !(error instanceof IssuerError)) throw error;
        return stale;
      }
    },

    async renew() {
      if (clock() - Math.max(triedAt, known?.fetchedAt ?? -Infinity) < pauseMs) return undefined;
      try {
        return await fetchOnce();
      } catch (error) {
        if (error instanceof IssuerError) return undefined;
        throw error;
      }
    },
  };
}
