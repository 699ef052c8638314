import type { ConfiguredFile } from "./configured-file.ts";

/** Where a tool is set up: one of its files, or another place. */
export type ConfiguredPlace = Pick<
  ConfiguredFile,
  "isCurrent" | "isConfigured" | "plan" | "preview" | "check" | "apply" | "undo" | "refresh"
>;

/** A place that is no file. */
export interface OtherPlace extends ConfiguredPlace {
  /** What a sentence calls it. */
  readonly name: string;
  /** Where the key is, for people. */
  readonly key: string;
  /** The key itself is there, so that the tool does not ask the helper. */
  readonly holdsKey?: boolean;
}
