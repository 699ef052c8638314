import { listOf } from "./list-of.ts";
import { setToolsBack, type ToolsDeps } from "./set-up-tools.ts";

/** Says which tools a sign-out stops, and offers to take their settings back; not modal. Never rejects. */
export async function saySignedOut(deps: ToolsDeps): Promise<void> {
  const tools = (await deps.toolsInUse()).filter(({ isCurrent }) => isCurrent);
  const asking = tools.filter(({ holdsKey }) => !holdsKey).map(({ label }) => label);
  const holding = tools.filter(({ holdsKey }) => holdsKey).map(({ label }) => label);
  const isOne = holding.length === 1;
  const sentences = [
    "Signed out. Your keys go on existing.",
    ...(tools.length === 0 ? ["Your coding tools get no key until you sign in again."] : []),
    ...(asking.length === 0
      ? []
      : [`${listOf(asking)} ${asking.length === 1 ? "gets" : "get"} no key until you sign in again.`]),
    ...(holding.length === 0
      ? []
      : [`${listOf(holding)} ${isOne ? "goes" : "go"} on with the key in ${isOne ? "its" : "their"} file.`]),
  ];
  const buttons = tools.length === 0 ? [] : ["Set Tools Back"];
  if ((await deps.dialogs.info(sentences.join(" "), ...buttons)) === undefined) return;
  await setToolsBack(deps, tools);
}
