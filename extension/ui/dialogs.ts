import type { SettingId } from "../manifest.ts";

export interface Choice<T> {
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
  readonly value: T;
}

/** Everything that is said to a person or asked of them. Nothing here rejects; undefined means dismissed. */
export interface Dialogs {
  info(message: string, ...buttons: readonly string[]): Promise<string | undefined>;
  warn(message: string, ...buttons: readonly string[]): Promise<string | undefined>;
  error(message: string, ...buttons: readonly string[]): Promise<string | undefined>;
  /** Modal; true only when the button was pressed. */
  confirm(message: string, detail: string, button: string): Promise<boolean>;
  /** `fault` says what is wrong with what is typed, as it is typed. */
  input(question: {
    readonly title: string;
    readonly prompt: string;
    readonly value: string;
    readonly fault: (text: string) => string | undefined;
  }): Promise<string | undefined>;
  pickOne<T>(title: string, placeholder: string, choices: readonly Choice<T>[]): Promise<T | undefined>;
  /** All are preselected. */
  pickMany<T>(title: string, placeholder: string, choices: readonly Choice<T>[]): Promise<readonly T[] | undefined>;
  /** A notification with a Cancel button, which aborts the signal. Rejects as the work does. */
  progress<T>(title: string, work: (signal: AbortSignal, report: (message: string) => void) => Promise<T>): Promise<T>;
  openSetting(id: SettingId): Promise<void>;
  showLog(): Promise<void>;
  /** The window, with everything in it. */
  reload(): Promise<void>;
}
