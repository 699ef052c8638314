import { UserError } from "../base/errors.ts";
import type { KeychainCopy } from "../key-helper/keychain-copy.ts";
import type { Dialogs } from "./dialogs.ts";

export interface WhileClosedDeps {
  readonly dialogs: Pick<Dialogs, "info" | "confirm">;
  /** Loaded when it is first asked for. */
  readonly keychain: () => Promise<KeychainCopy>;
}

/** The command: agrees to the copy in the system's keychain, or takes that back. */
export async function toggleWhileClosed(deps: WhileClosedDeps): Promise<void> {
  const keychain = await deps.keychain();
  const state = await keychain.state();
  if (state.kind === "unavailable") throw new UserError(state.why);
  if (state.kind === "off") {
    await agree(deps);
    return;
  }
  const message = "Your tools work while VS Code is closed: the system's keychain has a copy of their key.";
  if ((await deps.dialogs.info(message, "Remove Copy")) === undefined) return;
  await keychain.turnOff();
  void deps.dialogs.info("The copy is removed. Tools that ask for the key need VS Code to be open.");
}

/** One question that says what the copy is; keeps it only after a yes. */
export async function agree({ dialogs, keychain }: WhileClosedDeps): Promise<void> {
  const detail =
    "Tools that ask for the key then get it while VS Code is closed, too. Any program that you run can read the copy, as " +
    "it can ask for the key now. The copy follows the key: it changes with a rotation, and goes when you sign out, delete " +
    "the key or run “Let Tools Work While VS Code Is Closed” again.";
  const isAgreed = await dialogs.confirm(
    "Keep a copy of your tools' key in the system's keychain?",
    detail,
    "Keep a Copy",
  );
  if (!isAgreed) return;
  await (await keychain()).turnOn();
  void dialogs.info("The system's keychain has a copy of the key: your tools work while VS Code is closed.");
}

/** The button that offers it where it can be had and is not; nothing is asked of who does not press it. */
export async function offerButton({ keychain }: Pick<WhileClosedDeps, "keychain">): Promise<string | undefined> {
  return (await (await keychain()).state()).kind === "off" ? "Also While VS Code Is Closed…" : undefined;
}
