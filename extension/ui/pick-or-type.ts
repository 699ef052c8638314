import { CancelledError } from "../base/errors.ts";
import { usd } from "../keys/wording.ts";
import type { Choice, Dialogs } from "./dialogs.ts";

interface Typing {
  /** `Another Amount…` */
  readonly label: string;
  readonly prompt: string;
  readonly fault: (text: string) => string | undefined;
  /** Only for a text without a fault. */
  readonly read: (text: string) => number;
}

/** One press for the usual numbers, and a box for every other. Throws CancelledError. */
export async function pickOrType(
  dialogs: Pick<Dialogs, "pickOne" | "input">,
  title: string,
  placeholder: string,
  choices: readonly Choice<number>[],
  typing: Typing,
): Promise<number> {
  const other: Choice<undefined> = { label: typing.label, value: undefined };
  const all: readonly Choice<{ readonly number: number | undefined }>[] = [...choices, other].map((choice) => ({
    ...choice,
    value: { number: choice.value },
  }));
  const picked = await dialogs.pickOne(title, placeholder, all);
  if (picked === undefined) throw new CancelledError();
  if (picked.number !== undefined) return picked.number;
  const text = await dialogs.input({ title, prompt: typing.prompt, value: "", fault: typing.fault });
  if (text === undefined) throw new CancelledError();
  return typing.read(text);
}

/** Whole cents, or undefined: `50`, `$50`, `49.90`. */
export function readUsd(text: string): number | undefined {
  const match = /^\$?\s*(\d{1,7}(?:\.\d{1,2})?)$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]);
}

/** A box for an amount of more than `above` and at most `most`. */
export function typedUsd(prompt: string, above: number, most: number, whyNotMore: string): Typing {
  return {
    label: "Another Amount…",
    prompt,
    read: (text) => readUsd(text) ?? 0,
    fault: (text) => {
      const amount = readUsd(text);
      if (amount === undefined) return "Write an amount in dollars, for example 40 or 12.50.";
      if (amount <= above)
        return above === 0 ? "It has to be more than nothing." : `It has to be more than ${usd(above)}.`;
      return amount > most ? `At most ${usd(most)}: ${whyNotMore}` : undefined;
    },
  };
}

/** A box for a whole number of days from 1 to `most`. */
export function typedDays(prompt: string, most: number, whyNotMore: string): Typing {
  const days = (text: string): number => (/^\d{1,4}$/.test(text.trim()) ? Number(text) : Number.NaN);
  return {
    label: "Another Number of Days…",
    prompt,
    read: days,
    fault: (text) => {
      const count = days(text);
      if (Number.isNaN(count) || count < 1) return "Write a number of days, for example 10.";
      return count > most ? `At most ${daysOf(most)}: ${whyNotMore}` : undefined;
    },
  };
}

/** Round amounts of more than `above`, and at the end the most there can be. */
export function usdSteps(above: number, most: number): readonly number[] {
  const round = [1, 2, 5, 10, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 750, 1_000, 2_000, 5_000, 10_000];
  const between = round.filter((amount) => amount > above && amount < most);
  return [...between.slice(-mostSteps), most];
}

/** Usual lengths of time below `most` days. */
export function daySteps(most: number): readonly number[] {
  return [1, 3, 7, 14, 30, 60, 90, 180].filter((days) => days < most);
}

const mostSteps = 5;

/** `1 day`, `3 days`. */
export function daysOf(count: number): string {
  return count === 1 ? "1 day" : `${count} days`;
}
