/** Runs in the page: draws what the extension sends, from text only. Everything in the chart is in the table as well. */
import "./language.ts";

import uPlot from "uplot";

import type { KeyReport, SpendReport } from "../keys/spend-report.ts";

declare function acquireVsCodeApi(): { postMessage(message: { readonly kind: "ready" | "refresh" | "export" }): void };

const vscode = acquireVsCodeApi();
const main = document.querySelector("main") ?? document.body;
const colors = ["blue", "orange", "green", "purple", "yellow", "red"];
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
let last: SpendReport | undefined;
let chart: uPlot | undefined;

type Child = Node | string;

function make(name: string, attributes: Readonly<Record<string, string>> = {}, ...children: Child[]): HTMLElement {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function button(label: string, kind: "refresh" | "export"): HTMLElement {
  const element = make("button", { type: "button", "data-kind": kind }, label);
  element.addEventListener("click", () => vscode.postMessage({ kind }));
  return element;
}

function keyCard({ name, isToolsKey, share, amount, windows }: KeyReport): HTMLElement {
  const level = share === undefined ? "" : share >= 0.95 ? "error" : share >= 0.8 ? "warning" : "";
  const bar =
    share === undefined
      ? []
      : [make("progress", { value: String(share), max: "1", class: level, "aria-label": amount })];
  return make(
    "section",
    { class: "key" },
    make("h2", {}, name),
    ...(isToolsKey ? [make("p", { class: "quiet" }, "Used by your coding tools")] : []),
    ...bar,
    make("p", {}, amount),
    make("p", { class: "quiet" }, windows.join(" · ")),
  );
}

function theme(name: string): string {
  return getComputedStyle(document.body).getPropertyValue(`--vscode-${name}`).trim() || "gray";
}

function color(index: number): string {
  return theme(`charts-${colors[index % colors.length] ?? "blue"}`);
}

/** Bars on top of each other: each series is drawn with what is below it, the highest first. */
function drawChart(place: HTMLElement, { names, days }: SpendReport): void {
  const times = days.map(({ day }) => Date.parse(day) / 1000);
  const sums = names.map((_, index) =>
    days.map(({ usd }) => {
      const seen = usd.slice(0, index + 1).filter((amount) => amount !== null);
      return seen.length === 0 ? null : seen.reduce((sum, amount) => sum + amount, 0);
    }),
  );
  const order = names.map((_, index) => index).toReversed();
  const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
  const axis = {
    stroke: theme("foreground"),
    grid: { stroke: theme("editorWidget-border"), width: 1 },
    ticks: { show: false },
    font: `12px ${theme("font-family")}`,
  };
  chart = new uPlot(
    {
      width: Math.max(280, place.clientWidth),
      height: 220,
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { range: (_, least, most) => [least - 43_200, most + 43_200] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toISOString().slice(5, 10)),
        },
        { ...axis, size: 70, values: (_, ticks) => ticks.map((tick) => dollars.format(tick)) },
      ],
      series: [
        {},
        ...order.map((index) => ({
          fill: color(index),
          stroke: theme("editor-background"),
          width: 1,
          points: { show: false },
          ...(bars === undefined ? {} : { paths: bars }),
        })),
      ],
    },
    [times, ...order.map((index) => sums[index] ?? [])],
    place,
  );
}

function table({ names, days }: SpendReport): HTMLElement {
  const seen = days.filter(({ usd }) => usd.some((amount) => amount !== null));
  const amountOf = (amount: number | null | undefined): string =>
    amount === null || amount === undefined ? "not seen" : dollars.format(amount);
  return make(
    "table",
    {},
    make(
      "caption",
      {},
      `Spend by day and key; ${days.length - seen.length} of the last ${days.length} days were not seen.`,
    ),
    make("thead", {}, make("tr", {}, ...["Day", ...names].map((name) => make("th", { scope: "col" }, name)))),
    make(
      "tbody",
      {},
      ...seen
        .toReversed()
        .map(({ day, usd }) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, day),
            ...names.map((_, index) => make("td", {}, amountOf(usd[index]))),
          ),
        ),
    ),
  );
}

function legend(names: readonly string[]): HTMLElement {
  return make(
    "ul",
    { class: "legend", "aria-hidden": "true" },
    ...names.map((name, index) => {
      const mark = make("span", { class: "mark" });
      mark.style.background = color(index);
      return make("li", {}, mark, name);
    }),
  );
}

function draw(report: SpendReport): void {
  last = report;
  // Drawing anew must not take the focus away from whoever is on a button.
  const { activeElement } = document;
  const focused = activeElement instanceof HTMLElement ? activeElement.dataset["kind"] : undefined;
  chart?.destroy();
  chart = undefined;
  const hasDays = report.days.some(({ usd }) => usd.some((amount) => amount !== null));
  const place = make("div", {
    class: "chart",
    role: "img",
    "aria-label": "Spend by day; the table below says the same.",
  });
  main.replaceChildren(
    make(
      "header",
      {},
      make("h1", {}, "OpenRouter Spend"),
      make("div", {}, button("Refresh", "refresh"), button("Export CSV", "export")),
    ),
    make("div", { class: "keys" }, ...report.keys.map(keyCard)),
    ...(hasDays
      ? [place, legend(report.names), table(report)]
      : [make("p", {}, "No day was seen yet. Come back when your keys have been used.")]),
    ...report.notes.map((note) => make("p", { class: "quiet" }, note)),
  );
  if (hasDays) drawChart(place, report);
  if (focused !== undefined) main.querySelector<HTMLElement>(`[data-kind="${focused}"]`)?.focus();
}

const redraw = (): void => {
  if (last !== undefined) draw(last);
};
window.addEventListener("message", (event: MessageEvent<SpendReport>) => draw(event.data));
window.addEventListener("resize", redraw);
// The editor changes the class of the body with the theme; a canvas does not follow by itself.
new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
vscode.postMessage({ kind: "ready" });
