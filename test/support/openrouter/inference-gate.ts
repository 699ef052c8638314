import type { Account, KeyRecord } from "./account.ts";
import { messages, refusal } from "./answers.ts";
import { refusedCredential } from "./auth.ts";
import type { StandInContext } from "./context.ts";
import { guardrailOf, isModelAllowed } from "./guardrails.ts";
import { limitRemaining } from "./key-object.ts";
import { windowStart } from "./windows.ts";

/** Either the key that pays for a call, or why it may not. */
export type Admission =
  | { readonly kind: "admitted"; readonly key: KeyRecord }
  | { readonly kind: "refused"; readonly answer: Response };

/**
 * The checks before a model is asked, in OpenRouter's order: credential, disabled or expired, the key's limit,
 * whether `maxTokens` is affordable, guardrail. A call that is let in may overspend: only the next one is refused.
 */
export function admit(
  account: Account,
  c: StandInContext,
  call: { model: string; maxTokens: number | null },
): Admission {
  const caller = c.get("caller");
  const refuse = (status: number, message: string, metadata?: Record<string, unknown>): Admission => ({
    kind: "refused",
    answer: refusal(c.req.path, status, message, {
      ...(metadata === undefined ? {} : { metadata }),
      ...(status === 402 ? { userId: account.userId } : {}),
    }),
  });

  const refused = refusedCredential(c);
  if (refused !== undefined) return { kind: "refused", answer: refused };
  // A management key cannot infer, and production tells its holder no more than a stranger.
  if (caller.kind !== "key") return refuse(401, messages.unknownKey);

  const { key } = caller;
  const now = account.clock.now();
  const { accountCreditsUsd, outputTokenUsd } = account.knobs.read();
  const left = limitRemaining(account, key, now);
  const period = key.limitReset ?? "total";
  if (left !== null && left <= 0) {
    return refuse(403, `Key limit exceeded (${period} limit). Manage it using https://openrouter.ai/settings/keys`);
  }

  if (account.ledger.credits(now) >= accountCreditsUsd) return refuse(402, messages.accountOutOfCredit);
  if (left !== null && call.maxTokens !== null && call.maxTokens * outputTokenUsd > left) {
    return refuse(
      402,
      `This request requires more credits, or fewer max_tokens. You requested up to ${call.maxTokens} tokens, ` +
        `but can only afford ${Math.floor(left / outputTokenUsd)}. To increase, visit ` +
        `https://openrouter.ai/settings/keys and create a key with a higher ${period} limit`,
      { provider_name: null },
    );
  }

  return refusedByGuardrail(account, key, call.model, refuse) ?? { kind: "admitted", key };
}

function refusedByGuardrail(
  account: Account,
  key: KeyRecord,
  model: string,
  refuse: (status: number, message: string) => Admission,
): Admission | undefined {
  // The docs promise 403 for a model outside the list; 404 with this text is what production was seen to answer.
  if (!isModelAllowed(account, key.hash, model)) {
    return refuse(
      404,
      "No endpoints available matching your guardrail restrictions and data policy. " +
        "Configure: https://openrouter.ai/settings/privacy",
    );
  }

  const guardrail = guardrailOf(account, key.hash);
  if (guardrail?.limit_usd == null || guardrail.reset_interval == null) return undefined;
  const now = account.clock.now();
  const from = windowStart(guardrail.reset_interval, now);
  // A guardrail's budget counts for each key by itself; it is not shared.
  const spent = account.ledger.total(key.hash, { from, to: now, isByok: false });
  if (spent < guardrail.limit_usd) return undefined;
  const budget = `$${guardrail.limit_usd.toFixed(2)}`;
  return refuse(403, `Guardrail ${guardrail.reset_interval} budget of ${budget} exceeded. Contact your org admin.`);
}
