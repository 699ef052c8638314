import type { Session as SignIn } from "../../functions/contract/sessions.ts";
import { ago } from "../base/ago.ts";
import { presentable } from "../base/errors.ts";
import { language, t } from "../base/words.ts";

/** What the list of sign-ins says of one. */
export interface SignInRow {
  readonly id: string;
  readonly isCurrent: boolean;
  readonly icon: string;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

/** The current one first, then the last used. */
export function signInRows(signIns: readonly SignIn[], now: number): readonly SignInRow[] {
  return signIns
    .toSorted((a, b) => Number(b.current) - Number(a.current) || Date.parse(b.lastUsedAt) - Date.parse(a.lastUsedAt))
    .map(({ id, client, createdAt, lastUsedAt, expiresAt, current }) => ({
      id,
      isCurrent: current,
      icon: current ? "pass-filled" : "circle-outline",
      label: clientInWords(client),
      description: current ? t("this editor") : t("last used {0}", agoRoughly(now - Date.parse(lastUsedAt))),
      detail: t(
        "Signed in {0}, ends by itself {1}",
        agoRoughly(now - Date.parse(createdAt)),
        hence(Date.parse(expiresAt) - now),
      ),
    }));
}

/** `openrouter-keys/0.1.0 vscode/1.106.0` is what our own editors say of themselves; others say what they like. */
function clientInWords(client: string): string {
  const own = /^openrouter-keys\/(\S+) vscode\/(\S+)$/.exec(client);
  if (own !== null) return `VS Code ${own[2]}, OpenRouter Keys ${own[1]}`;
  return presentable(client, 60) || t("An editor that did not say its name");
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** `last used` is written down every 10 minutes, so that minutes below are not known. */
function agoRoughly(milliseconds: number): string {
  return ago(milliseconds < 15 * minute ? 0 : milliseconds);
}

function hence(milliseconds: number): string {
  const relative = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  if (milliseconds < hour) return t("within an hour");
  if (milliseconds < 2 * day) return relative.format(Math.round(milliseconds / hour), "hour");
  return relative.format(Math.round(milliseconds / day), "day");
}
