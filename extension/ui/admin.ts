import type { MeAnswer } from "../../functions/contract/account.ts";
import type { Disposable } from "../base/emitter.ts";
import { describe, UserError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KeyRing, KeyRingState } from "../keys/key-ring.ts";
import type { AdminCommandId } from "../manifest.ts";

/** What only administrators have; see `admin-side.ts`. */
export interface AdminSide extends Disposable {
  /** Who is signed in, as the function said last; undefined where that is no administrator. */
  follow(me: MeAnswer | undefined): void;
  readonly commands: AdminCommands;
}

/** `argument` is whatever the caller passed. */
export type AdminCommands = { readonly [Id in AdminCommandId]: (argument: unknown) => Promise<void> };

interface AdminDeps {
  readonly ring: Pick<KeyRing, "current" | "onDidChange">;
  readonly load: () => Promise<AdminSide>;
  readonly setIsAdmin: (isAdmin: boolean) => void;
  readonly log: Log;
}

export interface Admin extends Disposable {
  /** Throws UserError for anybody else. */
  run(id: AdminCommandId, argument: unknown): Promise<void>;
}

/** Loads the administrators' side when somebody is one, and shows it only while they are. */
export function createAdmin({ ring, load, setIsAdmin, log }: AdminDeps): Admin {
  let loading: Promise<AdminSide> | undefined;
  let isDisposed = false;

  const loaded = (): Promise<AdminSide> =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));

  const follow = async (state: KeyRingState): Promise<void> => {
    const me = adminIn(state);
    if (me === undefined) setIsAdmin(false);
    if (me === undefined && loading === undefined) return;
    const side = await loaded();
    // Whoever it was when loading began.
    const current = adminIn(ring.current);
    if (isDisposed) side.dispose();
    else {
      side.follow(current);
      setIsAdmin(current !== undefined);
    }
  };
  const subscription = ring.onDidChange((state) => {
    follow(state).catch((error: unknown) =>
      log.error(`The administrators' side could not be loaded: ${describe(error)}`),
    );
  });

  return {
    run: async (id, argument) => {
      if (adminIn(ring.current) === undefined) throw new UserError("Only administrators can do this.");
      await (await loaded()).commands[id](argument);
    },
    dispose: () => {
      isDisposed = true;
      subscription.dispose();
      loading?.then(
        (side) => side.dispose(),
        () => {},
      );
    },
  };
}

/** An administrator stays one while the function does not answer, and nobody is one before it has. */
function adminIn(state: KeyRingState): MeAnswer | undefined {
  const ready = state.kind === "failed" ? state.previous : state.kind === "ready" ? state : undefined;
  return ready?.me.isAdmin === true ? ready.me : undefined;
}
