import * as z from "zod/mini";

import type { Key } from "../../functions/contract/keys.ts";
import type { Fetch } from "../account/function-client.ts";
import { CancelledError, presentable } from "../base/errors.ts";
import { dayOf, perWindow, usd } from "../keys/wording.ts";
import { ChatError } from "./chat-error.ts";

export interface RefusalDeps {
  readonly fetch: Fetch;
  /** The key in use as the company's function knows it just now; undefined where it does not say. Never rejects. */
  readonly keyNow: () => Promise<Key | undefined>;
}

interface Refused {
  readonly base: string;
  readonly secret: string;
  readonly signal: AbortSignal;
  readonly status: number;
  /** The answer's body, or the error of a stream. */
  readonly text: string;
  readonly headers?: Headers;
  readonly modelId?: string;
}

const ErrorBody = z.object({ error: z.object({ message: z.string() }) });

/**
 * What a refusal of OpenRouter means for whoever was waiting for the answer. Its texts are not on record and its codes
 * are used for more than one thing, so the key is asked about where that tells. Throws CancelledError only.
 */
export async function refusalOf(deps: RefusalDeps, refused: Refused): Promise<ChatError> {
  const { status, modelId } = refused;
  const { host } = new URL(refused.base);
  const model = modelId ?? "the model";
  const quoted = quote(refused.text);
  switch (status) {
    case 401:
      return new ChatError(notAccepted(await deps.keyNow()), "key");
    case 402:
    case 403:
      return notPaid(deps, refused, quoted);
    case 404:
      return new ChatError(
        `Your key may not use ${model}, or nobody offers it just now. Choose another model.`,
        "model",
      );
    case 429: {
      const wait = waitOf(refused.headers);
      return new ChatError(
        `${host} takes no more requests for ${model} just now. Try again ${wait}, or choose another model.`,
        "passing",
      );
    }
    default:
      return status >= 500 || status === 408
        ? new ChatError(`${host} could not answer just now (HTTP ${status}). Try again in a moment.`, "passing")
        : new ChatError(`${host} could not use what was sent to ${model} (HTTP ${status})${quoted}`, "model");
  }
}

function notAccepted(key: Key | undefined): string {
  const name = nameOf(key);
  switch (key?.state) {
    case "disabled":
      return `${name} is disabled. Enable it in the OpenRouter Keys view, or create another one.`;
    case "expired":
      return `${name} has expired. Create another one in the OpenRouter Keys view.`;
    case "revoked":
    case "gone":
      return `${name} does not exist any more. Create another one in the OpenRouter Keys view.`;
    default:
      return `OpenRouter does not accept ${inside(name)} any more: it was disabled or deleted, or it has expired. The OpenRouter Keys view may say which.`;
  }
}

/** `GET /key`, which describes the key that it is asked with. */
const OwnKey = z.object({
  data: z.object({
    limit: z.nullish(z.number()),
    limit_remaining: z.nullish(z.number()),
    limit_reset: z.nullish(z.enum(["daily", "weekly", "monthly"])),
  }),
});

async function notPaid(deps: RefusalDeps, refused: Refused, quoted: string): Promise<ChatError> {
  const [own, key] = await Promise.all([ownKey(deps, refused), deps.keyNow()]);
  const name = nameOf(key);
  const left = own?.limit_remaining;
  if (typeof left === "number" && left <= 0) {
    const limit = typeof own?.limit === "number" ? ` of ${usd(own.limit)}` : "";
    const window = own?.limit_reset ? ` ${perWindow(own.limit_reset)}` : "";
    const resetsAt = key?.spend?.resetsAt;
    const again = resetsAt == null ? "" : ` It works again on ${dayOf(resetsAt)}.`;
    return new ChatError(`${name} has spent its limit${limit}${window}.${again}`, "limit");
  }
  if (refused.status === 402) {
    const rest = typeof left === "number" ? `, ${usd(left)},` : "";
    return new ChatError(
      `What is left on ${inside(name)}${rest} does not pay for this answer, or your company's account at OpenRouter is out of credit${quoted}`,
      "limit",
    );
  }
  return new ChatError(
    `OpenRouter refused this by a rule of your company, or of whoever offers the model${quoted}`,
    "model",
  );
}

async function ownKey(deps: RefusalDeps, { base, secret, signal }: Refused) {
  try {
    const response = await deps.fetch(`${base}/key`, {
      headers: { Accept: "application/json", Authorization: `Bearer ${secret}` },
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    return OwnKey.safeParse(await response.json()).data?.data;
  } catch {
    if (signal.aborted) throw new CancelledError();
    return undefined;
  }
}

function nameOf(key: Key | undefined): string {
  return key === undefined ? "Your key" : `Your key “${key.name}”`;
}

/** Not at the beginning of a sentence. */
function inside(name: string): string {
  return name.replace(/^Y/, "y");
}

/** OpenRouter's own words behind a sentence, and the full stop. */
function quote(text: string): string {
  try {
    const body = ErrorBody.safeParse(JSON.parse(text));
    const said = body.success ? presentable(body.data.error.message) : "";
    return said === "" ? "." : `: “${said}”`;
  } catch {
    return ".";
  }
}

/** `Retry-After` in seconds; a date in it is as good as none. */
function waitOf(headers: Headers | undefined): string {
  const seconds = Number(headers?.get("retry-after") ?? "");
  if (!Number.isInteger(seconds) || seconds <= 0) return "in a moment";
  if (seconds < 90) return seconds === 1 ? "in a second" : `in ${seconds} seconds`;
  return `in ${Math.ceil(seconds / 60)} minutes`;
}
