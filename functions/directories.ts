import type { Fetch } from "./adapters/openrouter/provisioner.ts";
import type { DirectorySettings } from "./directory-settings.ts";
import type { DirectorySource } from "./services/directory.ts";

export interface DirectoryMeans {
  readonly fetch: Fetch;
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly clock: () => number;
}

/** The directories that are asked, as the settings name them. */
export function companyDirectories(
  settings: Pick<DirectorySettings, "google" | "entra" | "directoryCanary">,
  { fetch, wait, clock }: DirectoryMeans,
): readonly DirectorySource[] {
  const { google, entra, directoryCanary: canary } = settings;
  const means = { fetch, wait, clock, canary };
  return [
    ...(google === undefined
      ? []
      : [
          laterSource("Google", async () =>
            (await import("./adapters/directory/google.ts")).createGoogleDirectory({ ...google, ...means }),
          ),
        ]),
    ...(entra === undefined
      ? []
      : [
          laterSource("Microsoft Entra", async () =>
            (await import("./adapters/directory/graph.ts")).createGraphDirectory({ ...entra, ...means }),
          ),
        ]),
  ];
}

/** Loaded when first asked: a start does not need it. */
export function laterSource(name: string, load: () => Promise<DirectorySource>): DirectorySource {
  let loaded: Promise<DirectorySource> | undefined;
  const source = () => (loaded ??= load());
  return {
    name,
    ask: async (person, signal) => (await source()).ask(person, signal),
    async *check(people, memory, signal) {
      yield* (await source()).check(people, memory, signal);
    },
  };
}
