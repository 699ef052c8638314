import { presentable } from "../base/errors.ts";

/** A row of the administrators' view. Everything in it comes from elsewhere and is made fit to show. */
export interface AdminRow {
  /** Stays the same over refreshes, so that nothing jumps or folds up. */
  readonly id: string;
  readonly parent: AdminRow | undefined;
  readonly label: string;
  readonly description: string;
  /** A codicon's name and a theme colour's id. */
  readonly icon: string | undefined;
  readonly color: string | undefined;
  /** Menus match on it: `run waiting` can be approved. */
  readonly contextValue: string;
  readonly accessibilityLabel: string;
  readonly tooltip: readonly string[];
  /** What it is about; commands get it. */
  readonly runId: string | undefined;
  readonly raiseId: string | undefined;
  readonly conflictId: string | undefined;
  readonly companyKeyId: string | undefined;
  /** What a press does, where it does something. */
  readonly does: "retry" | "more" | undefined;
  /** Of which list there is more; the nightly runs where it does not say. */
  readonly list: "keys" | "record" | undefined;
  /** Unfolded at first. Undefined where nothing is below it. */
  readonly isOpen: boolean | undefined;
  readonly children: () => readonly AdminRow[];
}

/** The first row that is meant, to lead a person there. */
export function findRow(rows: readonly AdminRow[], isMeant: (row: AdminRow) => boolean): AdminRow | undefined {
  for (const each of rows) {
    const found = isMeant(each) ? each : findRow(each.children(), isMeant);
    if (found !== undefined) return found;
  }
  return undefined;
}

export function section<T>(
  id: string,
  label: string,
  description: string,
  items: readonly T[],
  toRow: (item: T, parent: AdminRow) => AdminRow,
): readonly AdminRow[] {
  if (items.length === 0) return [];
  const children = (self: AdminRow): readonly AdminRow[] => items.map((item) => toRow(item, self));
  return [row({ id, label, description, isOpen: true, children })];
}

export function leaf(facts: Facts & { readonly description: string }): AdminRow {
  const [label, description] = [presentable(facts.label), presentable(facts.description)];
  return row({
    ...facts,
    accessibilityLabel: joined(label, description),
    tooltip: [label, description].filter(Boolean),
  });
}

interface Facts extends Partial<Omit<AdminRow, "children">> {
  readonly id: string;
  readonly label: string;
  readonly children?: (self: AdminRow) => readonly AdminRow[];
}

export function row({ children, ...facts }: Facts): AdminRow {
  const label = presentable(facts.label);
  const description = presentable(facts.description ?? "");
  const made: AdminRow = {
    parent: undefined,
    icon: undefined,
    color: undefined,
    contextValue: "",
    accessibilityLabel: joined(label, description),
    tooltip: [],
    runId: undefined,
    raiseId: undefined,
    conflictId: undefined,
    companyKeyId: undefined,
    list: undefined,
    does: undefined,
    isOpen: undefined,
    ...facts,
    label,
    description,
    children: () => children?.(made) ?? [],
  };
  return made;
}

function joined(label: string, description: string): string {
  return description === "" ? label : `${label}, ${description}`;
}
