import { CancelledError, describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Dialogs } from "./dialogs.ts";

interface RunCommandDeps {
  readonly dialogs: Pick<Dialogs, "error" | "showLog">;
  readonly log: Log;
}

/** Around every command. Never rejects: cancelling is silent, and the message of a failure is not waited for. */
export async function runCommand(
  { dialogs, log }: RunCommandDeps,
  id: string,
  work: () => Promise<void>,
): Promise<void> {
  log.info(id);
  try {
    await work();
  } catch (error) {
    if (error instanceof CancelledError) {
      log.info(`${id}: cancelled`);
      return;
    }
    log.error(`${id}: ${describe(error)}`);
    if (error instanceof UserError) void dialogs.error(error.message);
    else void showFault({ dialogs });
  }
}

async function showFault({ dialogs }: Pick<RunCommandDeps, "dialogs">): Promise<void> {
  const pressed = await dialogs.error("Something went wrong. See the log for what it was.", "Show Log");
  if (pressed !== undefined) await dialogs.showLog();
}
