import * as z from "zod/mini";

import type { Key } from "../../functions/contract/keys.ts";
import type { Fetch } from "../account/function-client.ts";
import { CancelledError, presentable } from "../base/errors.ts";
import { t } from "../base/words.ts";
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
  const model = modelId ?? t("the model");
  const quoted = quote(refused.text);
  switch (status) {
    case 401:
      return new ChatError(notAccepted(await deps.keyNow()), "key");
    case 402:
    case 403:
      return notPaid(deps, refused, quoted);
    case 404:
      return new ChatError(
        t("Your key may not use {0}, or nobody offers it just now. Choose another model.", model),
        "model",
      );
    case 429:
      return new ChatError(tooMany(host, model, secondsToWait(refused.headers)), "passing");
    default:
      return status >= 500 || status === 408
        ? new ChatError(t("{0} could not answer just now (HTTP {1}). Try again in a moment.", host, status), "passing")
        : new ChatError(
            t("{0} could not use what was sent to {1} (HTTP {2}){3}", host, model, status, quoted),
            "model",
          );
  }
}

function notAccepted(key: Key | undefined): string {
  const name = nameOf(key);
  switch (key?.state) {
    case "disabled":
      return t("{0} is disabled. Enable it in the OpenRouter Keys view, or create another one.", name);
    case "expired":
      return t("{0} has expired. Create another one in the OpenRouter Keys view.", name);
    case "revoked":
    case "gone":
      return t("{0} does not exist any more. Create another one in the OpenRouter Keys view.", name);
    default:
      return t(
        "{0} is not accepted by OpenRouter any more: it was disabled or deleted, or it has expired. " +
          "The OpenRouter Keys view may say which.",
        name,
      );
  }
}

function tooMany(host: string, model: string, seconds: number | undefined): string {
  if (seconds === undefined) {
    return t(
      "{0} takes no more requests for {1} just now. Try again in a moment, or choose another model.",
      host,
      model,
    );
  }
  if (seconds < 90) {
    return t(
      "{0} takes no more requests for {1} just now. Try again in {2} s, or choose another model.",
      host,
      model,
      seconds,
    );
  }
  const minutes = Math.ceil(seconds / 60);
  return t(
    "{0} takes no more requests for {1} just now. Try again in {2} min, or choose another model.",
    host,
    model,
    minutes,
  );
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
    const limit = typeof own?.limit !== "number" ? "" : usd(own.limit);
    const window = own?.limit_reset ? perWindow(own.limit_reset) : "";
    const spent = t("{0} has spent its limit: {1}.", name, `${limit} ${window}`.trim());
    const resetsAt = key?.spend?.resetsAt;
    const again = resetsAt == null ? "" : ` ${t("It works again on {0}.", dayOf(resetsAt))}`;
    return new ChatError(`${spent}${again}`, "limit");
  }
  if (refused.status !== 402) {
    const message = t("OpenRouter refused this by a rule of your company, or of whoever offers the model{0}", quoted);
    return new ChatError(message, "model");
  }
  return new ChatError(
    typeof left === "number"
      ? t(
          "{0} has {1} left, which does not pay for this answer, or your company's account at OpenRouter is out of credit{2}",
          name,
          usd(left),
          quoted,
        )
      : t("Your company's account at OpenRouter is out of credit{0}", quoted),
    "limit",
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
  return key === undefined ? t("Your key") : t("Your key “{0}”", key.name);
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
function secondsToWait(headers: Headers | undefined): number | undefined {
  const seconds = Number(headers?.get("retry-after") ?? "");
  return Number.isInteger(seconds) && seconds > 0 ? seconds : undefined;
}
