import { t } from "../base/words.ts";
import { listOf } from "./list-of.ts";
import { setToolsBack, type ToolsDeps } from "./set-up-tools.ts";

/** Says which tools a sign-out stops, and offers to take their settings back; not modal. Never rejects. */
export async function saySignedOut(deps: ToolsDeps): Promise<void> {
  const tools = (await deps.toolsInUse()).filter(({ isCurrent }) => isCurrent);
  const asking = tools.filter(({ holdsKey }) => !holdsKey).map(({ label }) => label);
  const holding = tools.filter(({ holdsKey }) => holdsKey).map(({ label }) => label);
  const sentences = [t("Signed out. Your keys go on existing.")];
  if (tools.length === 0) sentences.push(t("Your coding tools get no key until you sign in again."));
  if (asking.length === 1) sentences.push(t("{0} gets no key until you sign in again.", listOf(asking)));
  if (asking.length > 1) sentences.push(t("{0} get no key until you sign in again.", listOf(asking)));
  if (holding.length === 1) sentences.push(t("{0} goes on with the key in its file.", listOf(holding)));
  if (holding.length > 1) sentences.push(t("{0} go on with the key in their files.", listOf(holding)));
  const buttons = tools.length === 0 ? [] : [t("Set Tools Back")];
  if ((await deps.dialogs.info(sentences.join(" "), ...buttons)) === undefined) return;
  await setToolsBack(deps, tools);
}
