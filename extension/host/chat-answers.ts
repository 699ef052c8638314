import * as vscode from "vscode";

import type { AddressReading } from "../account/function-address.ts";
import type { Clock } from "../base/clock.ts";
import { CancelledError, describe, presentable } from "../base/errors.ts";
import { t } from "../base/words.ts";
import { askModel } from "../chat/ask-model.ts";
import { ChatError } from "../chat/chat-error.ts";
import type { Message, Part, Tool } from "../chat/conversation.ts";
import { type ChatModel, chooseModels, readModels, type ReadModelsDeps } from "../chat/models.ts";
import { countTokens } from "../chat/token-count.ts";

interface ChatAnswersDeps extends ReadModelsDeps {
  readonly openRouterUrl: () => AddressReading;
  /** The key that pays, read anew each time. Must not prompt. */
  readonly readSecret: () => Promise<string | undefined>;
  /** Which models the person wants to choose from; empty: all that can call tools. */
  readonly wantedModels: () => readonly string[];
  readonly clock: Pick<Clock, "now">;
  /** After an answer, which has cost something. */
  readonly spent: () => void;
}

/** What the editor asks of a provider of models, in the editor's own terms. */
export interface ChatAnswers {
  models(token: vscode.CancellationToken): Promise<vscode.LanguageModelChatInformation[]>;
  answer(
    model: vscode.LanguageModelChatInformation,
    messages: readonly vscode.LanguageModelChatRequestMessage[],
    options: vscode.ProvideLanguageModelChatResponseOptions,
    progress: vscode.Progress<vscode.LanguageModelResponsePart>,
    token: vscode.CancellationToken,
  ): Promise<void>;
  count(text: string | vscode.LanguageModelChatRequestMessage): number;
}

/** The editor asks for the models again and again; they hardly change. */
const freshFor = 5 * 60_000;

export function createChatAnswers(deps: ChatAnswersDeps): ChatAnswers {
  let known: { readonly of: string; readonly at: number; readonly models: readonly ChatModel[] } | undefined;

  async function place(): Promise<{ readonly base: string; readonly secret: string } | undefined> {
    const reading = deps.openRouterUrl();
    const secret = await deps.readSecret();
    return reading.kind === "address" && secret !== undefined ? { base: reading.address.base, secret } : undefined;
  }

  async function allModels(token: vscode.CancellationToken): Promise<readonly ChatModel[]> {
    const at = await place();
    // Signed out, or no key yet: there is nothing to choose, and nothing to say about it either.
    if (at === undefined) return [];
    const of = `${at.base} ${at.secret}`;
    if (known?.of === of && deps.clock.now() - known.at < freshFor) return known.models;
    try {
      const models = await withSignal(token, (signal) => readModels(deps, { ...at, signal }));
      known = { of, at: deps.clock.now(), models };
      return models;
    } catch (error) {
      // A list of before is better than a picker that is empty for a moment.
      if (known?.of !== of || !(error instanceof ChatError) || error.fault !== "passing") throw error;
      deps.log.warn(`The models of before are kept: ${describe(error)}`);
      return known.models;
    }
  }

  return {
    models: (token) =>
      inTermsOfTheEditor(async () => chooseModels(await allModels(token), deps.wantedModels()).map(information)),

    answer: (model, messages, { tools, toolMode, modelOptions }, progress, token) =>
      inTermsOfTheEditor(async () => {
        const at = await place();
        if (at === undefined) {
          throw new ChatError(
            t("There is no OpenRouter key to pay for an answer. Run “Create OpenRouter Key”, then try again."),
            "key",
          );
        }
        const conversation = {
          modelId: model.id,
          takesImages: model.capabilities.imageInput === true,
          messages: messages.map(messageOf),
          tools: (tools ?? []).map(toolOf),
          mustCallTool: toolMode === vscode.LanguageModelChatToolMode.Required,
          options: modelOptions ?? {},
        };
        await withSignal(token, (signal) =>
          askModel(deps, { ...at, signal }, conversation, (piece) =>
            progress.report(
              piece.kind === "text"
                ? new vscode.LanguageModelTextPart(piece.text)
                : new vscode.LanguageModelToolCallPart(piece.id, piece.name, piece.input),
            ),
          ),
        );
        deps.spent();
      }),

    count: (text) => countTokens(typeof text === "string" ? text : messageOf(text)),
  };
}

function information(model: ChatModel): vscode.LanguageModelChatInformation {
  return {
    id: model.id,
    name: model.name,
    family: model.family,
    version: "1",
    detail: "OpenRouter",
    tooltip: presentable(model.description ?? model.id),
    maxInputTokens: model.maxInputTokens,
    maxOutputTokens: model.maxOutputTokens,
    capabilities: { imageInput: model.takesImages, toolCalling: model.callsTools },
  };
}

function toolOf({ name, description, inputSchema }: vscode.LanguageModelChatTool): Tool {
  return { name, description, schema: inputSchema };
}

function messageOf({ role, content }: vscode.LanguageModelChatRequestMessage): Message {
  return { role: roleOf(role), parts: content.flatMap(partOf) };
}

/** There is a third role, of the system, which the editor's own chat uses and the public enumeration does not name. */
function roleOf(role: vscode.LanguageModelChatMessageRole): Message["role"] {
  if (role === vscode.LanguageModelChatMessageRole.User) return "user";
  return role === vscode.LanguageModelChatMessageRole.Assistant ? "assistant" : "system";
}

function partOf(part: unknown): readonly Part[] {
  if (part instanceof vscode.LanguageModelTextPart) return [{ kind: "text", text: part.value }];
  if (part instanceof vscode.LanguageModelToolCallPart) {
    return [{ kind: "call", id: part.callId, name: part.name, input: part.input }];
  }
  if (part instanceof vscode.LanguageModelToolResultPart) {
    return [{ kind: "result", id: part.callId, parts: part.content.flatMap(partOf) }];
  }
  // Whoever made it renders it with the library of the same name; its JSON says the same less prettily.
  if (part instanceof vscode.LanguageModelPromptTsxPart) return [{ kind: "text", text: JSON.stringify(part.value) }];
  if (part instanceof vscode.LanguageModelDataPart) return dataPartOf(part);
  return [];
}

/** Data of kinds that are not known is the chat's own book-keeping, such as another provider's markers. */
function dataPartOf({ mimeType, data }: vscode.LanguageModelDataPart): readonly Part[] {
  if (mimeType === "cache_control") return [{ kind: "cache" }];
  if (mimeType.startsWith("image/")) return [{ kind: "image", mime: mimeType, data }];
  const isText = mimeType.startsWith("text/") || mimeType === "application/json" || mimeType.endsWith("+json");
  return isText ? [{ kind: "text", text: new TextDecoder().decode(data) }] : [];
}

async function withSignal<T>(token: vscode.CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const subscription = token.onCancellationRequested(() => stop.abort());
  if (token.isCancellationRequested) stop.abort();
  try {
    return await work(stop.signal);
  } finally {
    subscription.dispose();
  }
}

/** The editor, and whoever else asks through it, tells faults apart by its own class. */
async function inTermsOfTheEditor<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CancelledError) throw new vscode.CancellationError();
    if (!(error instanceof ChatError)) throw error;
    switch (error.fault) {
      case "key":
        throw vscode.LanguageModelError.NoPermissions(error.message);
      case "limit":
        throw vscode.LanguageModelError.Blocked(error.message);
      case "model":
        throw vscode.LanguageModelError.NotFound(error.message);
      case "passing":
        throw error;
    }
  }
}
