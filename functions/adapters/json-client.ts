/**
 * Asks a JSON service what may be asked again: three tries with jitter, `Retry-After` heeded, no redirect followed, a
 * time-out on each. What comes back is an answer or a sentence on why there is none; nothing that was sent or received
 * is in that sentence, since errors of a fetch may quote it.
 */
export interface JsonClient {
  readonly ask: (request: JsonRequest, signal: AbortSignal) => Promise<JsonReply>;
}

/** The part of `fetch` that is used here; every host's own fits. */
export type Fetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; redirect: "error"; signal: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

export interface JsonRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type JsonReply =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** Undefined when it was not JSON. */
      readonly body: unknown;
      /** Whole seconds. */
      readonly retryAfter: number | undefined;
    }
  | { readonly kind: "failed"; readonly reason: string };

export interface JsonClientOptions {
  /** As people know the service; begins the sentences. */
  readonly name: string;
  readonly fetch: Fetch;
  /** Resolves after so many milliseconds, or rejects when the signal aborts. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly timeoutMs?: number;
  /** Answers beyond 408, 429 and 5xx that mean "ask again". */
  readonly isBusy?: (status: number, body: unknown) => boolean;
}

const mostTries = 3;
/** So many in a row without an answer, each tried three times, and the service is taken to be down. */
const mostFailures = 5;
/** Longer than this is for another run to wait. */
const longestPauseSeconds = 60;

/** Made anew for each round: once the service is taken to be down, it is not asked again. */
export function createJsonClient(options: JsonClientOptions): JsonClient {
  let failuresInARow = 0;

  async function send(request: JsonRequest, signal: AbortSignal): Promise<JsonReply> {
    try {
      const response = await options.fetch(request.url, {
        method: request.method,
        headers: { Accept: "application/json", ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: "error",
        signal: AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs ?? 10_000)]),
      });
      const retryAfter = readRetryAfter(response.headers.get("Retry-After"));
      return { kind: "answered", status: response.status, body: parseJson(await response.text()), retryAfter };
    } catch (error) {
      return { kind: "failed", reason: `${options.name} did not answer (${nameOf(error)}).` };
    }
  }

  function mayAskAgain(reply: JsonReply): boolean {
    if (reply.kind === "failed") return true;
    const { status, body } = reply;
    return status === 408 || status === 429 || status >= 500 || (options.isBusy?.(status, body) ?? false);
  }

  return {
    async ask(request, signal) {
      for (let attempt = 1; ; attempt += 1) {
        if (signal.aborted) return { kind: "failed", reason: `${options.name} was not asked: the time was up.` };
        if (failuresInARow >= mostFailures) {
          return {
            kind: "failed",
            reason: `${options.name} failed ${mostFailures} times in a row and was left alone.`,
          };
        }
        const reply = await send(request, signal);
        if (!mayAskAgain(reply)) {
          failuresInARow = 0;
          return reply;
        }
        const retryAfter = reply.kind === "answered" ? (reply.retryAfter ?? 0) : 0;
        if (attempt === mostTries || retryAfter > longestPauseSeconds) {
          if (!signal.aborted) failuresInARow += 1;
          return reply;
        }
        const pause = retryAfter * 1_000 + 200 * 2 ** attempt * (0.5 + Math.random());
        await options.wait(pause, signal).catch(() => undefined);
      }
    },
  };
}

/** Whole seconds, or an HTTP date; anything else is ignored. */
export function readRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d{1,6}$/.test(header) ? Number(header) : Math.ceil((Date.parse(header) - Date.now()) / 1_000);
  return Number.isFinite(seconds) ? Math.max(seconds, 1) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const inner = error.cause;
  const code = inner instanceof Error && "code" in inner && typeof inner.code === "string" ? ` ${inner.code}` : "";
  return `${error.name}${code}`;
}
