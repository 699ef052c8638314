import type { ResetWindow } from "./key-store.ts";
import { ServiceError } from "./errors.ts";

/** A key as OpenRouter reports it. Money in US dollars; `hash` is OpenRouter's id, the SHA-256 of the secret. */
export interface UpstreamKey {
  readonly hash: string;
  readonly name: string;
  readonly label: string;
  readonly disabled: boolean;
  readonly limitUsd: number | null;
  readonly remainingUsd: number | null;
  readonly dayUsd: number;
  readonly weekUsd: number;
  readonly monthUsd: number;
  readonly createdAt: Date | undefined;
}

export interface UpstreamKeyRequest {
  readonly name: string;
  readonly limitUsd: number;
  readonly reset: ResetWindow;
  readonly expiresAt: Date;
  readonly workspaceId: string | undefined;
}

/** Makes and ends keys at OpenRouter. Every method throws UpstreamError and nothing else. */
export interface Provisioner {
  /**
   * Sends exactly one request. An error of kind "lost" means that the key may exist all the same.
   * `secret` must never be logged or stored in the clear.
   */
  createKey(
    request: UpstreamKeyRequest,
    signal: AbortSignal,
  ): Promise<{ readonly key: UpstreamKey; readonly secret: string }>;
  /** Undefined when OpenRouter has no such key. */
  getKey(hash: string, signal: AbortSignal): Promise<UpstreamKey | undefined>;
  /** The key as it is then; undefined when OpenRouter has no such key. */
  updateKey(hash: string, change: UpstreamKeyChange, signal: AbortSignal): Promise<UpstreamKey | undefined>;
  /** Repeatable: a key that is not there counts as deleted. */
  deleteKey(hash: string, signal: AbortSignal): Promise<void>;
  /** Puts a key under a guardrail; from then on OpenRouter holds it to it. Repeatable. */
  assignGuardrail(guardrailId: string, hash: string, signal: AbortSignal): Promise<void>;
  /** Pages of keys, newest first, disabled ones included, one after the other until the consumer stops. */
  walkKeys(workspaceId: string | undefined, signal: AbortSignal): AsyncIterable<readonly UpstreamKey[]>;
  /**
   * All keys of a workspace, many pages at a time, as they come. `expected` is how many there probably are: no page
   * beyond them is asked for in advance. While it is walked, keys may come and go, so that a key may be missed.
   */
  readAllKeys(
    workspaceId: string | undefined,
    expected: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly UpstreamKey[]>;
}

export interface UpstreamKeyChange {
  readonly name?: string;
  readonly disabled?: boolean;
  readonly limitUsd?: number;
}

/**
 * refused: OpenRouter said no, asking again will not help. busy: asked too often. unavailable: no usable answer, and
 * nothing was changed or the request is safe to repeat. lost: a create whose answer never came or made no sense.
 */
export type UpstreamFailure = "refused" | "busy" | "unavailable" | "lost";

/** The message says what was tried and the status, never a body: bodies of creates carry secrets. */
export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly kind: UpstreamFailure;
  readonly retryAfter: number | undefined;
  /** Of a create: the key may exist all the same. */
  readonly mayBeDone: boolean;

  constructor(
    kind: UpstreamFailure,
    message: string,
    options: { retryAfter?: number | undefined; cause?: unknown; mayBeDone?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfter = options.retryAfter;
    this.mayBeDone = options.mayBeDone ?? kind === "lost";
  }
}

/** What the key has spent in the window that is running: OpenRouter's `usage` is for its whole life. */
export function windowSpendUsd(key: Pick<UpstreamKey, "limitUsd" | "remainingUsd">): number {
  return key.limitUsd === null || key.remainingUsd === null ? 0 : key.limitUsd - key.remainingUsd;
}

/** What a caller is told about a failure of OpenRouter. */
export function upstreamProblem(error: UpstreamError): ServiceError {
  switch (error.kind) {
    case "refused":
      return new ServiceError(
        "upstream_refused",
        "OpenRouter refused the request. An administrator should check the function's management key and log.",
        { cause: error },
      );
    case "busy":
      return new ServiceError("upstream_busy", "OpenRouter is busy. Try again in a moment.", {
        cause: error,
        retryAfter: error.retryAfter ?? 5,
      });
    case "unavailable":
    case "lost":
      return new ServiceError(
        "upstream_unavailable",
        "OpenRouter cannot be reached right now. Nothing was lost; try again.",
        {
          cause: error,
          retryAfter: error.retryAfter ?? 2,
        },
      );
  }
}

/** Runs calls to OpenRouter and turns their failures into what the caller is told. */
export async function askUpstream<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UpstreamError ? upstreamProblem(error) : error;
  }
}
