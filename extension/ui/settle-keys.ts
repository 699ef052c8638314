import type { Access, AccessToken } from "../account/access-token.ts";
import type { Clock } from "../base/clock.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Delivery, KeyCreation } from "../keys/create-key.ts";
import type { SecretVault } from "../keys/secret-vault.ts";
import type { CreateKeyDeps } from "./create-key.ts";
import type { ToolsDeps } from "./set-up-tools.ts";
import { runCommand } from "./run-command.ts";

interface SettleDeps extends Pick<CreateKeyDeps, keyof ToolsDeps | "ring" | "service"> {
  readonly vault: Pick<SecretVault, "pending">;
  /** Loaded where something is under way. */
  readonly creation: () => Promise<Pick<KeyCreation, "settle">>;
  readonly accessToken: Pick<AccessToken, "existing">;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends with the window. */
  readonly lifetime: AbortSignal;
}

type Delivered = Extract<Delivery, { kind: "delivered" }>;

const pause = 5 * 60_000;

/**
 * Brings in keys and successors whose answers were lost with an earlier window, and deletes cancelled ones: when called, and every
 * few minutes while something is left. Never asks for a sign-in. `settle` never rejects.
 */
export function createSettling(deps: SettleDeps): { readonly settle: () => Promise<void> } {
  let running: Promise<void> | undefined;
  let again = false;
  let isTimed = false;

  async function settleOnce(): Promise<void> {
    const access = await deps.accessToken.existing();
    if (access === undefined) return;
    if ((await deps.vault.pending.list(access.address, access.account.id)).length === 0) return;
    const { deliveries, leftOpen } = await (await deps.creation()).settle(access);
    if (leftOpen > 0) retryLater();
    if (deliveries.length === 0) return;

    for (const delivery of deliveries) {
      if (delivery.kind === "delivered" && (await deps.toolsKey.read(access)) === undefined) {
        await deps.toolsKey.use(access, delivery.key.id);
      }
    }
    await deps.ring.refresh();
    for (const delivery of deliveries) {
      if (delivery.kind === "delivered") void announce(access, delivery);
      if (delivery.kind === "secret-lost") {
        const { offerDeletion } = await import("./create-key.ts");
        void offerDeletion(deps, access, delivery.key);
      }
    }
  }

  async function announce(access: Access, { key, retiring }: Delivered): Promise<void> {
    const { name } = key;
    const serves = (await deps.toolsKey.read(access)) === key.id;
    if (retiring !== undefined) {
      const { rotated, switchTools } = await import("./rotate-key.ts");
      void deps.dialogs.info(rotated(name, retiring, serves ? await switchTools(deps) : undefined, deps.clock.now()));
      return;
    }
    const pressed = await deps.dialogs.info(`The key “${name}” has arrived.`, ...(serves ? ["Set Up Tools"] : []));
    if (pressed === undefined) return;
    await runCommand(deps, "set up tools for an arrived key", async () => {
      const { offerTools } = await import("./set-up-tools.ts");
      await offerTools(deps, { opening: "", keyName: name, isKeyChecked: false });
    });
  }

  function retryLater(): void {
    if (isTimed) return;
    isTimed = true;
    void deps.clock
      .sleep(pause, deps.lifetime)
      .then(() => {
        isTimed = false;
        return settle();
      })
      .catch(() => {});
  }

  function settle(): Promise<void> {
    if (running !== undefined) {
      again = true;
      return running;
    }
    running = (async () => {
      try {
        do {
          again = false;
          await settleOnce();
        } while (again);
      } catch (error) {
        deps.log.error(`Creates left open could not be settled: ${describe(error)}`);
      } finally {
        running = undefined;
      }
    })();
    return running;
  }

  return { settle };
}
