import type { Environment, Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";

const longer = "Make a longer one, for instance with: openssl rand -base64 48";

/** The environment is looked at once more, since a secret that is too short is as good as none to the settings. */
export function checkNightly(
  settings: Pick<Settings, "cronSecrets" | "nightly" | "nightlySchedule" | "heartbeatUrl">,
  environment: Environment,
): readonly Check[] {
  const { nightlySchedule, nightly, heartbeatUrl } = settings;
  const short = (["CRON_SECRET", "CRON_SECRET_PREVIOUS"] as const).filter((name) => {
    const value = environment[name]?.trim() ?? "";
    return value !== "" && !settings.cronSecrets.includes(value);
  });
  return [
    ...short.map((name) => fault(name, "It is shorter than 32 characters, so it opens nothing.", longer)),
    ...(short.length > 0 ? [] : [checkCaller(settings.cronSecrets.length > 0, nightlySchedule)]),
    nightly.mode === "enforce"
      ? good("NIGHTLY_MODE", "enforce: leavers' access is ended.")
      : hint(
          "NIGHTLY_MODE",
          "report: a run says who has left and ends nobody's access.",
          "Read a week of runs, then set it to enforce.",
        ),
    ...(heartbeatUrl === undefined
      ? []
      : [
          hint(
            "HEARTBEAT_URL",
            "It was not tried, since a call is a beat.",
            "See that the service which waits for it hears of the next run.",
          ),
        ]),
  ];
}

function checkCaller(hasSecret: boolean, schedule: string | undefined): Check {
  if (schedule !== undefined) return good("NIGHTLY_SCHEDULE", `Node runs it by itself: ${schedule}, in UTC.`);
  return hasSecret
    ? good("CRON_SECRET", "It is long enough: a scheduler that carries it may call /v1/cron/nightly.")
    : hint(
        "CRON_SECRET",
        "There is none and no NIGHTLY_SCHEDULE, so nothing but npm run nightly starts the nightly run.",
        "Set NIGHTLY_SCHEDULE on Node; set CRON_SECRET where a scheduler calls, as on Vercel; on Cloudflare the cron trigger needs neither.",
      );
}
