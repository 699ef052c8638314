import type { LookedUp } from "../adapters/openrouter/look-up.ts";
import { createLookUp } from "../adapters/openrouter/look-up.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";
import type { DoctorMeans } from "./means.ts";

const about = "OPENROUTER_MANAGEMENT_KEY";
const soonMs = 14 * 24 * 3_600_000;

export async function checkOpenRouter(
  settings: Pick<Settings, "openRouter" | "plans">,
  means: DoctorMeans,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const lookUp = createLookUp({ ...settings.openRouter, ...means });
  const key = judgeKey(await lookUp.managementKey(signal), means.clock());
  // Of places nothing can be learnt without a key.
  if (key.state === "fault") return [key];
  const named = (field: "workspaceId" | "guardrailId") => [
    ...new Set(settings.plans.flatMap((plan) => plan[field] ?? [])),
  ];
  const places = await Promise.all([
    ...named("workspaceId").map(async (id) => judgePlace("workspaceId", id, await lookUp.workspace(id, signal))),
    ...named("guardrailId").map(async (id) => judgePlace("guardrailId", id, await lookUp.guardrail(id, signal))),
  ]);
  return [key, ...places];
}

function judgeKey(answer: LookedUp, now: number): Check {
  switch (answer.kind) {
    case "ordinary key":
      return fault(
        about,
        "It is an ordinary API key, which may make no others.",
        "Make a management key at OpenRouter under Settings, Management Keys, and put that in its place.",
      );
    case "refused":
      return fault(
        about,
        `OpenRouter refuses it (${answer.status}).`,
        "Make a new one at OpenRouter under Settings, Management Keys; the old one was deleted, disabled or copied in part.",
      );
    case "missing":
    case "unclear":
      return fault(
        about,
        answer.kind === "unclear" ? answer.reason : "OpenRouter does not know the question.",
        "Check OPENROUTER_BASE_URL, and that this machine may reach it (HTTPS_PROXY where a proxy is needed); if both are right, OpenRouter is away: try again later.",
      );
    case "found": {
      const ends = answer.expiresAt === undefined ? Number.NaN : Date.parse(answer.expiresAt);
      return ends - now < soonMs
        ? hint(
            about,
            `OpenRouter takes it until ${new Date(ends).toISOString().slice(0, 10)}.`,
            "Make a new one before that day and put it in its place.",
          )
        : good(about, "OpenRouter takes it as a management key.");
    }
  }
}

function judgePlace(field: "workspaceId" | "guardrailId", id: string, answer: LookedUp): Check {
  const place = `PLANS, ${field} ${JSON.stringify(id)}`;
  if (answer.kind === "found") return good(place, "OpenRouter knows it.");
  if (answer.kind === "missing") {
    return fault(
      place,
      "OpenRouter does not know it, so nobody of this plan gets a key.",
      `Copy the id from OpenRouter's settings, or leave ${field} out.`,
    );
  }
  return hint(
    place,
    answer.kind === "unclear" ? answer.reason : "OpenRouter does not let the management key look at it.",
    "Make one key with this plan before you rely on it.",
  );
}
