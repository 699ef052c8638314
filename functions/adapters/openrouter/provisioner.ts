import type { Provisioner, UpstreamKey } from "../../services/provisioner.ts";
import { UpstreamError } from "../../services/provisioner.ts";
import { createSightings } from "../../services/sightings.ts";
import type { UpstreamKeyData } from "./answers.ts";
import {
  AssignedAnswer,
  CreatedAnswer,
  KeyAnswer,
  KeysAnswer,
  UpstreamKeyData as UpstreamKeySchema,
} from "./answers.ts";
import { createCircuit } from "./circuit.ts";
import { readAhead } from "./read-ahead.ts";

/** The part of `fetch` that is used here; every host's own fits. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; redirect: "error"; signal: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

export interface ProvisionerOptions {
  /** Ends in `/api/v1`, without a slash behind it. */
  readonly baseUrl: string;
  readonly managementKey: string;
  readonly fetch: Fetch;
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly clock: () => number;
}

const timeoutMs = 10_000;
const mostTries = 3;
/** More pages than any account has keys for; a list that never ends must not either. */
const mostPages = 1_000;
/** How often in a row a page is looked for further up before the list is taken as it comes. */
const mostStepsBack = 5;

interface Answer {
  readonly status: number;
  readonly retryAfter: number | undefined;
  /** Undefined when the body is not JSON. */
  readonly body: unknown;
}

/**
 * OpenRouter's management API, and the only place that knows its wire. No body, name or key ever gets into an error.
 * Reads, changes and deletions are tried up to three times; a create is sent exactly once, because its answer may be
 * lost after the key exists and asking again would make a second one.
 */
export function createProvisioner(options: ProvisionerOptions): Provisioner {
  const circuit = createCircuit(options.clock);

  /** One request; throws when none was sent, because OpenRouter has not been answering lately. */
  async function send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const report = circuit.enter();
    if (report === undefined) {
      throw new UpstreamError("unavailable", `${method} was not sent: OpenRouter has not been answering.`, {
        retryAfter: circuit.secondsToNextTry(),
      });
    }
    try {
      const answer = await sendNow(method, path, body, signal);
      // A refusal or "too many" is an answer: somebody is there.
      report(answer.status < 500 && (answer.status >= 400 || answer.body !== undefined) ? "answered" : "failed");
      return answer;
    } catch (error) {
      // Whoever gave up waiting says nothing about OpenRouter.
      report(signal.aborted ? "unknown" : "failed");
      throw error;
    }
  }

  async function sendNow(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    const response = await options.fetch(`${options.baseUrl}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${options.managementKey}`,
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await response.text();
    return {
      status: response.status,
      retryAfter: readRetryAfter(response.headers.get("Retry-After")),
      body: parseJson(text),
    };
  }

  /** For what may be repeated. Throws when the answer is neither success nor "no such key". */
  async function ask(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await send(method, path, body, signal).catch((cause: unknown) =>
        cause instanceof UpstreamError ? cause : asFailure(method, cause),
      );
      const failure = answer instanceof UpstreamError ? answer : failureOf(method, answer);
      if (failure === undefined && !(answer instanceof UpstreamError)) return answer;
      const isLast = attempt === mostTries || signal.aborted || circuit.isOpen();
      if (failure === undefined || failure.kind === "refused" || isLast) {
        throw failure ?? new UpstreamError("unavailable", `${method} failed.`);
      }
      const pause = (failure.retryAfter ?? 0) * 1000 + 200 * 2 ** attempt * (0.5 + Math.random());
      await options.wait(pause, signal).catch((cause: unknown) => {
        throw new UpstreamError("unavailable", `${method} ran out of time.`, { cause, retryAfter: failure.retryAfter });
      });
    }
  }

  return {
    async createKey(request, signal) {
      const body = {
        name: request.name,
        limit: request.limitUsd,
        limit_reset: request.reset,
        expires_at: request.expiresAt.toISOString(),
        include_byok_in_limit: true,
        ...(request.workspaceId === undefined ? {} : { workspace_id: request.workspaceId }),
      };
      let answer: Answer;
      try {
        answer = await send("POST", "/keys", body, signal);
      } catch (cause) {
        if (cause instanceof UpstreamError) throw cause;
        throw new UpstreamError("lost", "POST /keys was not answered.", { cause: nameOnly(cause) });
      }
      if (answer.status === 429) {
        throw new UpstreamError("busy", "POST /keys was answered with 429.", { retryAfter: answer.retryAfter });
      }
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 408) {
        // A page of a proxy in between says nothing about what OpenRouter did.
        throw new UpstreamError("refused", `POST /keys was answered with ${answer.status}.`, {
          mayBeDone: !isErrorBody(answer.body),
        });
      }
      const created = CreatedAnswer.safeParse(answer.body);
      if (answer.status < 200 || answer.status > 299 || !created.success) {
        throw new UpstreamError("lost", `POST /keys was answered with ${answer.status} and no key.`, {
          retryAfter: answer.retryAfter,
        });
      }
      const { key: secret, data } = created.data;
      const key =
        data === undefined
          ? { ...blankKey, hash: await sha256Hex(secret), name: request.name, limitUsd: request.limitUsd }
          : toUpstreamKey(data);
      return { key, secret };
    },

    async getKey(hash, signal) {
      const answer = await ask("GET", `/keys/${encodeURIComponent(hash)}`, undefined, signal);
      if (answer.status === 404) return undefined;
      const parsed = KeyAnswer.safeParse(answer.body);
      if (!parsed.success) throw new UpstreamError("unavailable", "GET /keys/{hash} was answered with something else.");
      return toUpstreamKey(parsed.data.data);
    },

    async updateKey(hash, change, signal) {
      const { limitUsd, ...rest } = change;
      const body = { ...rest, ...(limitUsd === undefined ? {} : { limit: limitUsd }) };
      const answer = await ask("PATCH", `/keys/${encodeURIComponent(hash)}`, body, signal);
      if (answer.status === 404) return undefined;
      const parsed = KeyAnswer.safeParse(answer.body);
      if (!parsed.success)
        throw new UpstreamError("unavailable", "PATCH /keys/{hash} was answered with something else.");
      return toUpstreamKey(parsed.data.data);
    },

    async assignGuardrail(guardrailId, hash, signal) {
      const path = `/guardrails/${encodeURIComponent(guardrailId)}/assignments/keys`;
      const answer = await ask("POST", path, { key_hashes: [hash] }, signal);
      const parsed = AssignedAnswer.safeParse(answer.body);
      if (answer.status === 404 || !parsed.success || parsed.data.assigned_count < 1) {
        throw new UpstreamError(
          "refused",
          `POST /guardrails/{id}/assignments/keys was answered with ${answer.status}.`,
        );
      }
    },

    async deleteKey(hash, signal) {
      await ask("DELETE", `/keys/${encodeURIComponent(hash)}`, undefined, signal);
    },

    async *walkKeys(workspaceId, signal) {
      const seen = new Set<string>();
      let offset = 0;
      let longest = 0;
      let stepsBack = 0;
      for (let page = 0; page < mostPages; page += 1) {
        const { length, keys } = await readPage(workspaceId, offset, signal);
        // Keys deleted meanwhile move later ones onto pages that were read. So each page begins with the last key of
        // the one before; where that key is not, the list is read again from further up.
        const isJoined = offset === 0 || longest === 1 || keys.some((key) => seen.has(key.hash));
        if (!isJoined && stepsBack < mostStepsBack) {
          offset = Math.max(0, offset - (longest - 1));
          stepsBack += 1;
          continue;
        }
        stepsBack = 0;
        const fresh = unseen(seen, keys);
        // Fewer than before and none of them new is the end. A short page alone is not: pages may change their size.
        if (length === 0 || (fresh.length === 0 && length < longest)) return;
        longest = Math.max(longest, length);
        offset += longest === 1 ? 1 : Math.max(1, length - 1);
        yield fresh;
      }
    },

    async *readAllKeys(workspaceId, expected, signal) {
      // The size of a hundred thousand hashes in full would be felt.
      const seen = createSightings();
      const pages = readAhead({
        read: (offset) => readPage(workspaceId, offset, signal),
        expected,
        mostPages,
        pause: (seconds) => options.wait(seconds * 1000, signal),
        isBusy: (error) =>
          error instanceof UpstreamError && error.kind === "busy" ? (error.retryAfter ?? 1) : undefined,
      });
      for await (const { keys } of pages) yield keys.filter(({ hash }) => seen.see(hash, true));
    },
  };

  async function readPage(workspaceId: string | undefined, offset: number, signal: AbortSignal): Promise<KeyPage> {
    const workspace = workspaceId === undefined ? "" : `&workspace_id=${encodeURIComponent(workspaceId)}`;
    const answer = await ask("GET", `/keys?include_disabled=true&offset=${offset}${workspace}`, undefined, signal);
    const parsed = KeysAnswer.safeParse(answer.body);
    if (!parsed.success) throw new UpstreamError("unavailable", "GET /keys was answered with something else.");
    const keys = parsed.data.data
      .map((entry) => UpstreamKeySchema.safeParse(entry))
      .filter((entry) => entry.success)
      .map((entry) => toUpstreamKey(entry.data));
    return { length: parsed.data.data.length, keys };
  }
}

interface KeyPage {
  /** How many entries OpenRouter sent, readable or not. */
  readonly length: number;
  readonly keys: readonly UpstreamKey[];
}

/** Keys made meanwhile shift the pages, so that some come twice. */
function unseen(seen: Set<string>, keys: readonly UpstreamKey[]): readonly UpstreamKey[] {
  const fresh = keys.filter((key) => !seen.has(key.hash));
  for (const key of fresh) seen.add(key.hash);
  return fresh;
}

function failureOf(method: string, answer: Answer): UpstreamError | undefined {
  const { status, retryAfter } = answer;
  if (status === 404 && isErrorBody(answer.body)) return undefined;
  if (status >= 200 && status < 300) {
    return answer.body === undefined
      ? new UpstreamError("unavailable", `${method} was answered with ${status} and no JSON.`)
      : undefined;
  }
  if (status === 429) return new UpstreamError("busy", `${method} was answered with 429.`, { retryAfter });
  // A page of a proxy in between is no refusal by OpenRouter.
  if (status >= 500 || status === 408 || !isErrorBody(answer.body)) {
    return new UpstreamError("unavailable", `${method} was answered with ${status}.`, { retryAfter });
  }
  return new UpstreamError("refused", `${method} was answered with ${status}.`);
}

function asFailure(method: string, cause: unknown): UpstreamError {
  return new UpstreamError("unavailable", `${method} was not answered.`, { cause: nameOnly(cause) });
}

/** Errors of a fetch may quote what was sent; their names and codes are enough to find a fault. */
function nameOnly(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown";
  const inner = cause.cause;
  const code = inner instanceof Error && "code" in inner && typeof inner.code === "string" ? ` ${inner.code}` : "";
  return `${cause.name}${code}`;
}

function isErrorBody(body: unknown): boolean {
  return typeof body === "object" && body !== null && "error" in body;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whole seconds, or an HTTP date; anything else is ignored. Capped at 10 minutes. */
function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,6}$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), 600) : undefined;
}

const blankKey = {
  label: "",
  disabled: false,
  remainingUsd: null,
  dayUsd: 0,
  weekUsd: 0,
  monthUsd: 0,
  createdAt: undefined,
} as const;

function toUpstreamKey(data: UpstreamKeyData): UpstreamKey {
  const createdAt = data.created_at === undefined ? Number.NaN : Date.parse(data.created_at);
  return {
    hash: data.hash,
    name: data.name,
    label: data.label,
    disabled: data.disabled,
    limitUsd: data.limit,
    remainingUsd: data.limit_remaining,
    dayUsd: data.usage_daily,
    weekUsd: data.usage_weekly,
    monthUsd: data.usage_monthly,
    createdAt: Number.isNaN(createdAt) ? undefined : new Date(createdAt),
  };
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
