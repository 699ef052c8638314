import type { KeyFilter } from "../admin/company-keys.ts";
import { queryOf } from "../admin/company-keys.ts";
import type { RunListDeps } from "../admin/run-list.ts";
import type { FunctionClient } from "../account/function-client.ts";
import { CancelledError, UserError } from "../base/errors.ts";
import { paths } from "../../functions/contract/paths.ts";
import type { Dialogs } from "./dialogs.ts";

/** A file that the person has chosen. It is there whole or as it was before. */
export interface FileToSave {
  readonly name: string;
  write(chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface ExportKeysDeps extends Pick<RunListDeps, "withAccess"> {
  readonly client: Pick<FunctionClient, "open">;
  readonly dialogs: Dialogs;
  /** Undefined where the person thought better of it. */
  readonly chooseFile: (suggested: string) => Promise<FileToSave | undefined>;
}

/** A hundred thousand keys, slowly. */
const timeout = 15 * 60_000;

/** The keys that the filter lets through, as the function writes them, straight into a file. */
export async function exportKeys(deps: ExportKeysDeps, filter: KeyFilter): Promise<void> {
  const file = await deps.chooseFile("openrouter-keys.csv");
  if (file === undefined) throw new CancelledError();
  const path = [paths.adminKeysCsv, queryOf({ ...filter })].filter(Boolean).join("?");
  await deps.dialogs.progress("Exporting the keys", (signal) =>
    deps.withAccess(async ({ address, token }) => {
      const chunks = await deps.client.open({ address, token, method: "GET", path, timeout, signal }, "text/csv");
      await file.write(chunks).catch((cause: unknown) => {
        if (signal.aborted) throw new CancelledError();
        const message = `${file.name} could not be written in full, so nothing was written. Try again.`;
        throw new UserError(message, { cause });
      });
    }),
  );
  void deps.dialogs.info(`The keys are in ${file.name}.`);
}
