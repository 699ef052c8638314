/** The chat that comes with the editor, as far as it has to be got going. */
export interface ChatOfTheEditor {
  /** The person has switched off everything of the kind. */
  readonly isSwitchedOff: () => boolean;
  /** Nobody has set it up in this profile: whatever is sent, it asks for an account at GitHub first. */
  readonly needsSetUp: () => Promise<boolean>;
  /** Without an account, and without showing GitHub's terms: only when the person has said so. */
  readonly setUp: () => Promise<void>;
  readonly open: () => Promise<void>;
}
