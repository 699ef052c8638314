import { CancelledError, describe } from "../base/errors.ts";
import { ChatError } from "./chat-error.ts";
import { type Conversation, requestBody } from "./conversation.ts";
import type { ReadModelsDeps } from "./models.ts";
import { type AnswerPiece, readAnswer } from "./read-answer.ts";
import { refusalOf } from "./refusal.ts";
import { t } from "../base/words.ts";

export type SaidPiece = Extract<AnswerPiece, { kind: "text" | "call" }>;

/**
 * Asks a model, and hands on what it says as it comes. Throws ChatError and CancelledError. No prompt and no answer is
 * logged.
 */
export async function askModel(
  deps: ReadModelsDeps,
  { base, secret, signal }: { readonly base: string; readonly secret: string; readonly signal: AbortSignal },
  conversation: Conversation,
  say: (piece: SaidPiece) => void,
): Promise<void> {
  const { host } = new URL(base);
  const { modelId } = conversation;
  const refuse = (status: number, text: string, headers?: Headers): Promise<ChatError> =>
    refusalOf(deps, { base, secret, signal, modelId, status, text, ...(headers === undefined ? {} : { headers }) });
  try {
    const response = await deps.fetch(`${base}/chat/completions`, {
      method: "POST",
      headers: {
        Accept: "text/event-stream",
        "Content-Type": "application/json",
        Authorization: `Bearer ${secret}`,
      },
      body: requestBody(conversation),
      redirect: "error",
      signal,
    });
    deps.log.debug(`POST /chat/completions at ${host} for ${modelId}: ${response.status}`);
    if (!response.ok) throw await refuse(response.status, await response.text(), response.headers);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (!isStream || response.body === null) {
      throw new ChatError(
        t("{0} answered, but not as OpenRouter does: check openrouterKeys.openRouterUrl.", host),
        "passing",
      );
    }
    for await (const piece of readAnswer(response.body)) {
      if (piece.kind === "text" || piece.kind === "call") say(piece);
      else if (piece.kind === "failed") throw await refuse(piece.status, piece.text);
      else if (piece.kind === "unreadable-call") {
        const message = t(
          "{0} wanted to use the tool “{1}” in a way that cannot be read. Try again, or choose another model.",
          modelId,
          piece.name,
        );
        throw new ChatError(message, "model");
      } else throw new ChatError(t("The answer of {0} broke off. Try again.", modelId), "passing");
    }
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    if (error instanceof ChatError) throw error;
    deps.log.warn(`POST /chat/completions at ${host} for ${modelId}: ${describe(error)}`);
    throw new ChatError(
      t("{0} could not be reached, or the connection broke. Try again in a moment.", host),
      "passing",
    );
  }
}
