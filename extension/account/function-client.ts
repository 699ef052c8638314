/**
 * The only way to the function. A session token goes to the address it is welded to and nowhere else: redirects are
 * not followed. Nothing of an answer is shown unless the function's own problem format carries it.
 */
import { ProblemAnswer, problemStatuses, type ProblemCode } from "../../functions/contract/problem.ts";
import { CancelledError, describe, presentable } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { FunctionAddress } from "./function-address.ts";
import { FunctionError } from "./function-error.ts";
import { t } from "../base/words.ts";

/** The part of a zod schema that reading an answer needs. */
export interface AnswerSchema<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

export interface Call {
  readonly address: FunctionAddress;
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  readonly path: string;
  readonly token?: string;
  /** JSON, already serialised: a repeat has to send the same bytes. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds; 10 s unless given. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FunctionClient {
  /** Throws FunctionError, and CancelledError when the signal is aborted. */
  ask<T>(call: Call, answer: AnswerSchema<T>): Promise<T>;
  /** For calls that answer 204. */
  tell(call: Call): Promise<void>;
  /**
   * For answers that are too long to be held: their bytes as they come, of this media type. Iterating throws where the
   * answer is cut off.
   */
  open(call: Call, mediaType: string): Promise<AsyncIterable<Uint8Array>>;
  /** For calls that answer with a redirect, which is not followed. Throws FunctionError when they do not. */
  checkRedirect(call: Call): Promise<void>;
}

export type Fetch = (input: string, init: RequestInit) => Promise<Response>;

interface FunctionClientDeps {
  readonly fetch: Fetch;
  /** `openrouter-keys/<version> vscode/<version>`, sent as X-Client. */
  readonly client: string;
  readonly log: Log;
}

export function createFunctionClient(deps: FunctionClientDeps): FunctionClient {
  /** `read` takes what is wanted of the answer, within the time of the call. */
  async function send<T>(
    call: Call,
    redirect: "error" | "manual",
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { address, timeout = 10_000, signal } = call;
    const outOfTime = AbortSignal.timeout(timeout);
    try {
      const response = await deps.fetch(address.base + call.path, {
        method: call.method,
        redirect,
        headers: {
          Accept: "application/json",
          "X-Client": deps.client,
          ...(call.token === undefined ? {} : { Authorization: `Bearer ${call.token}` }),
          ...(call.body === undefined ? {} : { "Content-Type": "application/json" }),
          ...call.headers,
        },
        ...(call.body === undefined ? {} : { body: call.body }),
        signal: signal === undefined ? outOfTime : AbortSignal.any([signal, outOfTime]),
      });
      return await read(response);
    } catch (cause) {
      if (signal?.aborted) throw new CancelledError();
      deps.log.warn(`${call.method} ${withoutQuery(call.path)}: no answer (${describe(cause)})`);
      if (outOfTime.aborted) {
        const seconds = Math.round(timeout / 1000);
        const message = t("{0} did not answer within {1} seconds. Try again in a moment.", address.base, seconds);
        throw new FunctionError(message, { code: "too_slow", cause });
      }
      const message = t(
        "Could not reach {0}. Check your connection, and openrouterKeys.functionUrl in the settings.",
        address.base,
      );
      throw new FunctionError(message, { code: "unreachable", cause });
    }
  }

  async function answerTo(call: Call, redirect: "error" | "manual" = "error"): Promise<Answer> {
    return checked(call, await send(call, redirect, withText));
  }

  function checked<T extends Answer>(call: Call, answer: T): T {
    const requestId = answer.headers.get("X-Request-Id") ?? undefined;
    deps.log.debug(
      `${call.method} ${withoutQuery(call.path)}: ${answer.status}${requestId === undefined ? "" : ` (${requestId})`}`,
    );
    if (answer.status >= 400) throw readProblem(call.address, answer);
    return answer;
  }

  return {
    ask: async (call, schema) => {
      const answer = await answerTo(call);
      const { base } = call.address;
      const failure = { status: answer.status };
      if (looksLikeHtml(answer)) throw new FunctionError(webPage(base), { code: "web_page", ...failure });
      const json = parseJson(answer.text);
      if (json === undefined) throw new FunctionError(notJson(base), { code: "not_json", ...failure });
      const parsed = schema.safeParse(json.value);
      if (!parsed.success) throw new FunctionError(notTheFunction(base), { code: "not_the_function", ...failure });
      return parsed.data;
    },
    tell: async (call) => {
      const answer = await answerTo(call);
      if (answer.status === 204) return;
      const { base } = call.address;
      if (looksLikeHtml(answer)) throw new FunctionError(webPage(base), { code: "web_page", status: answer.status });
      throw new FunctionError(notTheFunction(base), { code: "not_the_function", status: answer.status });
    },
    open: async (call, mediaType) => {
      const { body, ...answer } = await send(call, "error", async (response) => {
        const isMeant = response.ok && response.headers.get("Content-Type")?.startsWith(mediaType) === true;
        return isMeant && response.body !== null
          ? { status: response.status, headers: response.headers, text: "", body: response.body }
          : { ...(await withText(response)), body: undefined };
      });
      const { status } = checked(call, answer);
      if (body !== undefined) return body;
      throw new FunctionError(notTheFunction(call.address.base), { code: "not_the_function", status });
    },
    checkRedirect: async (call) => {
      const { status } = await answerTo(call, "manual");
      if (status >= 300 && status < 400) return;
      throw new FunctionError(notTheFunction(call.address.base), { code: "not_the_function", status });
    },
  };
}

async function withText(response: Response): Promise<Answer> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A query is nobody's business but the function's. */
function withoutQuery(path: string): string {
  return path.replace(/\?.*$/, "");
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An answer of 400 or more as an error: the function's own words where it spoke, ours where something else did. */
function readProblem({ base }: FunctionAddress, answer: Answer): FunctionError {
  const parsed = ProblemAnswer.safeParse(parseJson(answer.text)?.value);
  const header = Number(answer.headers.get("Retry-After") ?? Number.NaN);
  const retryAfter = Number.isFinite(header) && header >= 0 ? header : undefined;
  const { status } = answer;

  if (parsed.success) {
    const { code, detail, requestId } = parsed.data;
    return new FunctionError(presentable(detail) || t("{0} refused ({1}) and gave no reason.", base, status), {
      code: isProblemCode(code) ? code : "unknown_code",
      status,
      requestId,
      retryAfter: parsed.data.retryAfter ?? retryAfter,
    });
  }
  if (status >= 500 || status === 429) {
    const message = t("{0} is not working at the moment (HTTP {1}). Try again in a few minutes.", base, status);
    return new FunctionError(message, { code: "gateway", status, retryAfter });
  }
  if (looksLikeHtml(answer)) return new FunctionError(webPage(base), { code: "web_page", status });
  return new FunctionError(notTheFunction(base), { code: "not_the_function", status });
}

function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(problemStatuses, code);
}

function looksLikeHtml(answer: Answer): boolean {
  return /\bhtml\b/i.test(answer.headers.get("Content-Type") ?? "") || answer.text.trimStart().startsWith("<");
}

function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

const webPage = (base: string): string =>
  t("{0} answered with a web page instead of data: is openrouterKeys.functionUrl the address of the function?", base);

const notJson = (base: string): string =>
  t("{0} answered with something that is not data: is openrouterKeys.functionUrl the address of the function?", base);

const notTheFunction = (base: string): string =>
  t(
    "{0} answered, but not as the function of OpenRouter Keys does: " +
      "check openrouterKeys.functionUrl, and whether this extension is up to date.",
    base,
  );
