import type { AdminRaise } from "../../functions/contract/admin.ts";
import type { IdentityConflict } from "../../functions/contract/identities.ts";
import { ago } from "../base/ago.ts";
import { presentable } from "../base/errors.ts";
import { dayAndYearOf, dayOf, usd } from "../keys/wording.ts";
import { type AdminRow, leaf, row, section } from "./rows.ts";

/** What engineers have asked for. `ownId`: whoever looks, who does not decide about themselves. */
export function raiseSection(
  raises: readonly AdminRaise[],
  ownId: string | undefined,
  now: number,
): readonly AdminRow[] {
  return section("raises", "Waiting requests", "", raises, (raise, parent) => raiseRow(raise, parent, ownId, now));
}

function raiseRow(raise: AdminRaise, parent: AdminRow, ownId: string | undefined, now: number): AdminRow {
  const { id, owner, keyName, limitUsd, until, reason, createdAt } = raise;
  const isOwn = owner.id === ownId;
  const label = presentable(owner.label);
  const description = [
    `${usd(limitUsd)} until ${dayOf(until)}`,
    ...(isOwn ? ["your own: another administrator decides"] : [`“${presentable(reason, 500)}”`]),
  ].join(" · ");
  return row({
    id: `raises/${id}`,
    parent,
    label,
    description,
    icon: "arrow-up",
    color: isOwn ? "disabledForeground" : "charts.yellow",
    contextValue: isOwn ? "raise own" : "raise waiting",
    accessibilityLabel: `${label} asks for ${description}`,
    tooltip: [
      `${label} asks for ${usd(limitUsd)} on “${presentable(keyName)}” until ${dayAndYearOf(until)}.`,
      `Reason: ${presentable(reason, 500)}`,
      `Asked ${ago(now - Date.parse(createdAt))}. What is approved ends by itself.`,
    ],
    raiseId: id,
  });
}

/** Two accounts that came with one e-mail. */
export function conflictSection(conflicts: readonly IdentityConflict[], now: number): readonly AdminRow[] {
  return section("conflicts", "Accounts with one e-mail", "", conflicts, (conflict, parent) => {
    const { id, owner, askedAt, known, came } = conflict;
    const children = (self: AdminRow): readonly AdminRow[] => [
      accountRow("Has the keys", known, `${id}/known`, self),
      accountRow("Came later", came, `${id}/came`, self),
    ];
    return row({
      id: `conflicts/${id}`,
      parent,
      label: owner.label,
      description: `refused since ${ago(now - Date.parse(askedAt))}`,
      icon: "person-add",
      color: "charts.yellow",
      contextValue: "conflict waiting",
      tooltip: [
        `Somebody signed in with the e-mail of ${presentable(owner.label)} as another account of the sign-in service.`,
        "They are refused until an administrator has decided.",
      ],
      conflictId: id,
      isOpen: false,
      children,
    });
  });
}

function accountRow(
  label: string,
  { issuer, subject }: IdentityConflict["known"],
  id: string,
  parent: AdminRow,
): AdminRow {
  return leaf({ id: `conflicts/${id}`, parent, label, description: `${subject} at ${issuer}`, icon: "account" });
}
