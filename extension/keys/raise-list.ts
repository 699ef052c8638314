import type { Raise } from "../../functions/contract/raises.ts";
import type { AccessToken } from "../account/access-token.ts";
import { FunctionError } from "../account/function-error.ts";
import type { Clock } from "../base/clock.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createPace } from "../base/pace.ts";
import type { RaiseService } from "./raise-service.ts";

/** The person's own raises as the function told them last. Nothing of anybody else, nor of before a sign-out. */
export interface RaiseList {
  readonly current: readonly Raise[];
  readonly onDidChange: Event<readonly Raise[]>;
  /** Asks now, but rarely after failures. What was there stays when it fails. Never rejects. */
  refresh(): Promise<void>;
  clear(): void;
  dispose(): void;
}

interface RaiseListDeps {
  readonly existing: AccessToken["existing"];
  readonly service: Pick<RaiseService, "list">;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

export function createRaiseList({ existing, service, clock, log }: RaiseListDeps): RaiseList {
  const changes = createEmitter<readonly Raise[]>();
  const pace = createPace(clock);
  let current: readonly Raise[] = [];
  let isLast = {};
  let last: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    const begun = isLast;
    const access = await existing();
    if (access === undefined || !pace.isDue()) return;
    try {
      const raises = await service.list(access);
      if (begun !== isLast || (await existing())?.token !== access.token || begun !== isLast) return;
      pace.reset();
      current = raises;
      changes.fire(current);
    } catch (error) {
      pace.failed(error instanceof FunctionError ? error.retryAfter : undefined);
      log.warn(`The raises could not be read: ${describe(error)}`);
    }
  }

  return {
    get current() {
      return current;
    },
    onDidChange: changes.event,
    refresh: () => (last = last.then(read)),
    clear: () => {
      isLast = {};
      pace.reset();
      if (current.length === 0) return;
      current = [];
      changes.fire(current);
    },
    dispose: () => changes.dispose(),
  };
}

/** It is waited for, or in force: no other can be asked for on its key. */
export function isOpen({ state }: Raise): boolean {
  return state === "waiting" || state === "approved";
}
