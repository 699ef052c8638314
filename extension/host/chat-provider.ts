import * as vscode from "vscode";

import type { Disposable } from "../base/emitter.ts";
import { chatVendor } from "../manifest.ts";
import type { ChatAnswers } from "./chat-answers.ts";

interface ChatProviderDeps {
  /** The person wants OpenRouter's models in the editor's chat. */
  readonly isOn: () => boolean;
  /** Loaded when the editor first asks for models. */
  readonly answers: () => Promise<ChatAnswers>;
}

export interface ChatProvider extends Disposable {
  /** The key or a setting has changed: the editor asks for the models again. */
  readonly changed: () => void;
}

/** The models of OpenRouter as the editor's chat has them. All but this registration is loaded later. */
export function createChatProvider({ isOn, answers }: ChatProviderDeps): ChatProvider {
  const changes = new vscode.EventEmitter<void>();
  const registration = vscode.lm.registerLanguageModelChatProvider(chatVendor, {
    onDidChangeLanguageModelChatInformation: changes.event,
    provideLanguageModelChatInformation: async (_options, token) => (isOn() ? (await answers()).models(token) : []),
    provideLanguageModelChatResponse: async (...asked) => (await answers()).answer(...asked),
    provideTokenCount: async (_model, text) => (await answers()).count(text),
  });
  return {
    changed: () => changes.fire(),
    dispose: () => {
      registration.dispose();
      changes.dispose();
    },
  };
}
