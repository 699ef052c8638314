/**
 * Whole sentences, in the person's language. The host says how they are translated; until then, and in tests, they are
 * said as they are written. `{0}` stands for the first argument. A test holds that each sentence is a literal and has
 * its translation, so nothing is put together from pieces; and nothing is said while a module is being loaded, which is
 * before anybody has said in which language.
 */
export interface Words {
  readonly translate: (message: string, ...values: (string | number)[]) => string;
  /** For numbers and times, as the translation has it. */
  readonly language: string;
}

const asWritten: Words = {
  translate: (message, ...values) =>
    message.replaceAll(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole)),
  language: "en",
};

let words = asWritten;

/** At the start, before anything is said. Without an argument: as written. */
export function speakWith(spoken: Words = asWritten): void {
  words = spoken;
}

export function t(message: string, ...values: (string | number)[]): string {
  return words.translate(message, ...values);
}

export function language(): string {
  return words.language;
}
