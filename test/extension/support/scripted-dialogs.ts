import type { Dialogs } from "../../../extension/ui/dialogs.ts";

export interface ScriptedDialogs extends Dialogs {
  /** Everything that was said or asked, in order: `info: …`, `input: …`, `progress: …`. */
  readonly shown: string[];
  /** What the person does: the first whose text occurs in what is shown is used, once. */
  readonly answers: (readonly [text: string, answer: unknown])[];
  /** Called when a progress notification opens, with what its Cancel button does. */
  onProgress: (cancel: () => void) => void;
}

/** A person who dismisses everything for which no answer is scripted; picks are given by their labels. */
export function createScriptedDialogs(...answers: (readonly [text: string, answer: unknown])[]): ScriptedDialogs {
  const shown: string[] = [];
  const answerTo = (text: string): unknown => {
    const index = answers.findIndex(([part]) => text.includes(part));
    return index < 0 ? undefined : answers.splice(index, 1)[0]?.[1];
  };
  const say =
    (kind: string) =>
    async (message: string, ...buttons: readonly string[]): Promise<string | undefined> => {
      shown.push([`${kind}: ${message}`, ...buttons.map((button) => `[${button}]`)].join(" "));
      const answer = answerTo(message);
      return typeof answer === "string" && buttons.includes(answer) ? answer : undefined;
    };
  const dialogs: ScriptedDialogs = {
    shown,
    answers,
    onProgress: () => {},
    info: say("info"),
    warn: say("warn"),
    error: say("error"),
    confirm: async (message, detail, button) => {
      shown.push(`confirm: ${message} ${detail} [${button}]`);
      return answerTo(message) === button;
    },
    input: async ({ prompt, value, fault }) => {
      shown.push(`input: ${prompt} (${value})`);
      const answer = answerTo(prompt);
      if (answer === "") return fault(value) === undefined ? value : undefined;
      return typeof answer === "string" && fault(answer) === undefined ? answer : undefined;
    },
    pickOne: async (title, placeholder, choices) => {
      shown.push(`pick: ${placeholder} ${choices.map(({ label }) => `(${label})`).join(" ")}`);
      const answer = answerTo(placeholder);
      return choices.find(({ label }) => label === answer)?.value;
    },
    pickMany: async (title, placeholder, choices) => {
      shown.push(`pick: ${placeholder} ${choices.map(({ label }) => `(${label})`).join(" ")}`);
      const answer = answerTo(placeholder);
      return Array.isArray(answer)
        ? choices.filter(({ label }) => answer.includes(label)).map(({ value }) => value)
        : undefined;
    },
    progress: async (title, work) => {
      shown.push(`progress: ${title}`);
      const stop = new AbortController();
      dialogs.onProgress(() => stop.abort());
      return work(stop.signal, (message) => void shown.push(`progress: ${message}`));
    },
    openSetting: async (id) => void shown.push(`setting: ${id}`),
    showLog: async () => void shown.push("log"),
    reload: async () => void shown.push("reload"),
  };
  return dialogs;
}
