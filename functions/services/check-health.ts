import type { Deps } from "./deps.ts";

/** What is wrong, as sentences; empty when nothing is. */
export async function checkHealth(deps: Pick<Deps, "pingDatabase">): Promise<readonly string[]> {
  try {
    await deps.pingDatabase();
    return [];
  } catch {
    return ["The database cannot be reached."];
  }
}
