import type { DatabaseState } from "../adapters/postgres/inspect.ts";
import type { Environment, Settings } from "../settings.ts";
import { checkAddresses } from "./addresses.ts";
import type { Check } from "./check.ts";
import { judgeDatabase } from "./database.ts";
import { checkDirectories } from "./directory.ts";
import type { DoctorMeans } from "./means.ts";
import { checkNightly } from "./nightly.ts";
import { checkOpenRouter } from "./openrouter.ts";
import { checkRules } from "./plans.ts";
import { checkSignIn } from "./sign-in.ts";

/** Tries every setting of a deployment. Promises: nothing is changed anywhere, and no secret is in what it says. */
export async function examine(
  settings: Settings,
  environment: Environment,
  means: DoctorMeans & { readonly inspectDatabase: () => Promise<DatabaseState> },
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const parts = await Promise.all([
    means.inspectDatabase().then((state) => [judgeDatabase(settings, state)]),
    checkOpenRouter(settings, means, signal),
    checkSignIn(settings, means),
    checkAddresses(settings, means, signal),
    checkDirectories(settings, means, signal),
  ]);
  return [...parts.flat(), ...checkNightly(settings, environment), ...checkRules(settings)];
}
