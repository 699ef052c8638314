import type { AdminKey, AuditRecord } from "../../functions/contract/admin.ts";
import { ago } from "../base/ago.ts";
import { presentable } from "../base/errors.ts";
import { dayAndYearOf, perWindow, stateIcons, usd } from "../keys/wording.ts";
import type { KeyFilter } from "./company-keys.ts";
import type { PagesState } from "./pages.ts";
import { type AdminRow, leaf, row } from "./rows.ts";

/** All keys of the company, as far as somebody has wanted to see them. */
export function keySection(state: PagesState<AdminKey>, filter: KeyFilter): AdminRow {
  const { items, total } = state;
  const isFiltered = filter.q !== undefined || filter.state !== undefined;
  const description = [
    ...(filter.q === undefined ? [] : [`“${presentable(filter.q)}”`]),
    ...(filter.state === undefined ? [] : [filter.state]),
    ...(total === undefined ? [] : [`${count.format(items.length)} of ${count.format(total)}`]),
  ].join(" · ");
  return row({
    id: "keys",
    label: "All keys",
    description,
    contextValue: isFiltered ? "keys filtered" : "keys",
    isOpen: false,
    children: (self) => [
      ...items.map((key) => keyRow(key, self)),
      ...endOf(state, self, "keys", isFiltered ? "No key is like this" : "No key has been made yet"),
    ],
  });
}

/** What was done, by whom. */
export function recordSection(state: PagesState<AuditRecord>, now: number): AdminRow {
  return row({
    id: "record",
    label: "Record",
    isOpen: false,
    children: (self) => [
      ...state.items.map((entry) => recordRow(entry, self, now)),
      ...endOf(state, self, "record", "Nothing has been done yet"),
    ],
  });
}

function keyRow(key: AdminKey, parent: AdminRow): AdminRow {
  const { id, name, owner, state, limitUsd, reset, spend, createdAt, expiresAt } = key;
  const [icon, color] = stateIcons[state];
  const label = presentable(owner.label);
  const spent = spend === null ? `limit ${usd(limitUsd)}` : `${usd(spend.windowUsd)} of ${usd(limitUsd)}`;
  const description = [presentable(name), ...(state === "active" ? [] : [state]), spent].join(" · ");
  return row({
    id: `keys/${id}`,
    parent,
    label,
    description,
    icon,
    color,
    contextValue: `company-key ${state}`,
    accessibilityLabel: `Key ${presentable(name)} of ${label}, ${state}, ${spent}`,
    tooltip: [
      `${presentable(name)}, of ${label}`,
      `State: ${state}`,
      `Limit: ${usd(limitUsd)} ${perWindow(reset)}`,
      spend === null
        ? "Spend: not known yet"
        : `Spend: today ${usd(spend.dayUsd)}, this week ${usd(spend.weekUsd)}, this month ${usd(spend.monthUsd)}`,
      `Made ${dayAndYearOf(createdAt)}, expires ${dayAndYearOf(expiresAt)}`,
    ],
    companyKeyId: id,
  });
}

/** Verbs of the record in words; one that is not known here is shown as it is. */
const verbs: Readonly<Record<string, string>> = {
  "key.create": "created a key",
  "key.rotate": "rotated a key",
  "key.change": "changed a key",
  "key.limit": "set a key's limit",
  "key.delete": "deleted a key",
  "key.retire": "ended a rotated key",
  "key.expire": "ended an expired key",
  "key.vanish": "found a key gone from OpenRouter",
  "key.revoke": "began to end a leaver's key",
  "key.revoked": "ended a leaver's key",
  "key.erase": "erased an ended key",
  "key.repair": "put a key right",
  "raise.ask": "asked for a raise",
  "raise.approve": "approved a raise",
  "raise.refuse": "refused a raise",
  "raise.end": "ended a raise",
  "identity.conflict": "turned an account away",
  "identity.merge": "made two accounts one",
  "identity.separate": "separated two accounts",
  "identity.refuse": "refused an account",
  "person.block": "ended a person's access",
  "person.return": "let a person in again",
  "run.approve": "approved a nightly run",
};

function recordRow(entry: AuditRecord, parent: AdminRow, now: number): AdminRow {
  const { id, at, actor, verb, owner, targetId, before, after } = entry;
  const isOwn = actor.id === owner.id;
  const who = actor.kind === "system" ? "The function" : presentable(actor.label);
  const label = `${who} ${whatWasDone(entry)}`;
  const description = [...(isOwn ? [] : [presentable(owner.label)]), ago(now - Date.parse(at))].join(" · ");
  const facts = (text: string, values: typeof before): readonly string[] =>
    values === null ? [] : [`${text}: ${presentable(JSON.stringify(values), 500)}`];
  return row({
    id: `record/${id}`,
    parent,
    label,
    description,
    icon: actor.kind === "system" ? "server-process" : actor.kind === "admin" ? "shield" : "person",
    tooltip: [
      label,
      dateAndTime.format(new Date(at)),
      `About ${presentable(owner.label)}, ${presentable(verb)} ${presentable(targetId)}`,
      ...facts("Before", before),
      ...facts("After", after),
    ],
  });
}

function whatWasDone({ verb, after }: AuditRecord): string {
  const disabled = verb === "key.change" ? after?.["disabled"] : undefined;
  if (typeof disabled === "boolean") return disabled ? "disabled a key" : "enabled a key";
  return (Object.hasOwn(verbs, verb) ? verbs[verb] : undefined) ?? presentable(verb);
}

/** What stands below the items: how to get more, or why there are none. */
function endOf(
  state: PagesState<unknown>,
  parent: AdminRow,
  list: "keys" | "record",
  whenEmpty: string,
): readonly AdminRow[] {
  const { kind, items, next, total, message } = state;
  const id = `${list}-end`;
  if (kind === "idle" || kind === "loading") {
    return [leaf({ id, parent, label: "Loading…", description: "", icon: "loading~spin" })];
  }
  if (kind === "sign-in") {
    const description = "what administrators see needs a sign-in of the last 12 hours";
    return [leaf({ id, parent, label: "Sign In Again", description, icon: "account", does: "retry" })];
  }
  if (kind === "failed") {
    return [leaf({ id, parent, label: "Try Again", description: message ?? "", icon: "refresh", does: "retry" })];
  }
  if (next !== undefined) {
    const description = total === undefined ? "" : `${count.format(total - items.length)} are left`;
    return [leaf({ id, parent, label: "Show More", description, icon: "chevron-down", does: "more", list })];
  }
  return items.length === 0 ? [leaf({ id, parent, label: whenEmpty, description: "" })] : [];
}

const count = new Intl.NumberFormat("en-US");
const dateAndTime = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
