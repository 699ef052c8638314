import type { MeAnswer } from "../../functions/contract/account.ts";
import { dayAndYearOf, perWindow, usd } from "../keys/wording.ts";
import type { KeyOptions } from "./create-key.ts";
import type { Dialogs } from "./dialogs.ts";
import { daysOf, daySteps, pickOrType, typedDays, typedUsd, usdSteps } from "./pick-or-type.ts";

const title = "Create OpenRouter Key With Options";
const dayLength = 24 * 60 * 60_000;

/** Limit and lifetime within the plan. Throws CancelledError. */
export async function askKeyOptions(
  dialogs: Dialogs,
  { plan, allowanceUsd }: MeAnswer,
  usualUsd: number,
  now: number,
): Promise<KeyOptions> {
  const window = perWindow(plan.reset);
  const most = Math.floor(Math.min(plan.maxKeyUsd, allowanceUsd) * 100 + 1e-6) / 100;
  const why = plan.maxKeyUsd <= allowanceUsd ? "that is the most for one key." : "that is all your plan has left.";
  const amounts = [...new Set([...usdSteps(0, most), usualUsd])].toSorted((a, b) => a - b);
  const limitUsd = await pickOrType(
    dialogs,
    `${title} (1/2)`,
    `How much may the key spend ${window}?`,
    amounts.map((amount) => ({
      label: usd(amount),
      description: amount === usualUsd ? "as usual" : amount === most ? `at most: ${why.replace(".", "")}` : "",
      value: amount,
    })),
    typedUsd(`More than nothing, and at most ${usd(most)} ${window}.`, 0, most, why),
  );

  const longest = plan.maxLifetimeDays;
  const endAfter = (days: number): string => new Date(now + days * dayLength).toISOString();
  const days = await pickOrType(
    dialogs,
    `${title} (2/2)`,
    "How long should it work?",
    [...daySteps(longest), longest].map((count) => ({
      label: daysOf(count),
      description: `until ${dayAndYearOf(endAfter(count))}${count === longest ? ", as usual" : ""}`,
      value: count,
    })),
    typedDays(`Your plan allows ${daysOf(longest)}.`, longest, "your plan allows no more."),
  );
  // The longest is left to the function, whose clock may be another one.
  return days === longest ? { limitUsd } : { limitUsd, expiresAt: endAfter(days) };
}
