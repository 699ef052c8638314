import { median } from "./load.ts";

export type Unit = "ms" | "s" | "/s" | "×" | "MB" | "calls";
export type Target = { readonly most: number } | { readonly least: number };

/** One measure. Without a target it is a floor, or told for its own sake. */
export interface Line {
  readonly name: string;
  readonly unit: Unit;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly target: Target | undefined;
  readonly isMet: boolean | undefined;
  /** What one of them asks of OpenRouter and of the directory. */
  readonly upstreamCalls: string | undefined;
}

/** From the figures of several rounds. */
export function line(
  name: string,
  unit: Unit,
  figures: readonly number[],
  target?: Target,
  upstreamCalls?: string,
): Line {
  const middle = median(figures);
  return {
    name,
    unit,
    median: middle,
    lowest: Math.min(...figures),
    highest: Math.max(...figures),
    target,
    isMet: target === undefined ? undefined : "most" in target ? middle <= target.most : middle >= target.least,
    upstreamCalls,
  };
}

const decimals: Readonly<Record<Unit, number>> = { ms: 2, s: 3, "/s": 0, "×": 2, MB: 0, calls: 0 };

/** For a terminal. */
export function asTable(lines: readonly Line[]): string {
  const head = ["measure", "median", "range", "target", "", "calls"];
  const rows = lines.map(({ name, unit, median, lowest, highest, target, isMet, upstreamCalls }) => {
    const written = (figure: number) => figure.toFixed(decimals[unit]);
    return [
      name,
      `${written(median)} ${unit}`,
      `${written(lowest)} – ${written(highest)}`,
      target === undefined ? "" : "most" in target ? `≤ ${target.most}` : `≥ ${target.least}`,
      isMet === undefined ? "" : isMet ? "✔ met" : "✘ missed",
      upstreamCalls ?? "",
    ];
  });
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)));
  const isFigure = (column: number) => column >= 1 && column <= 3;
  const written = [head, widths.map((width) => "─".repeat(width)), ...rows].map((row) =>
    row
      .map((cell, column) => (isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return written.join("\n");
}
