import type { Access, AccessToken } from "../account/access-token.ts";
import { FunctionError } from "../account/function-error.ts";
import { createEmitter, type Event } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
  /** Over all pages, where that is known. */
  readonly total?: number;
}

/** Replaced whole, never changed. What was read stays in sight whatever happens next. */
export interface PagesState<T> {
  /** idle: nobody has wanted to see it yet. sign-in: the last sign-in is too old for it. */
  readonly kind: "idle" | "loading" | "ready" | "sign-in" | "failed";
  readonly items: readonly T[];
  readonly next: string | undefined;
  readonly total: number | undefined;
  /** Why it failed. */
  readonly message: string | undefined;
}

/** A list that is far too long to be read at once: only what was asked for, by cursor, and never by itself. */
export interface Pages<T> {
  readonly current: PagesState<T>;
  readonly onDidChange: Event<PagesState<T>>;
  /** The first page when there is none yet. Asks nobody anything. Never rejects. */
  open(): Promise<void>;
  /** As much as is in sight, read anew. On a person's action only, as the two below: may ask for a sign-in. */
  show(): Promise<void>;
  showMore(): Promise<void>;
  /** The first page of another list: what is in sight goes. */
  restart(): Promise<void>;
  /** What is known to have changed, without asking. */
  change(items: (items: readonly T[]) => readonly T[], total: (total: number) => number): void;
  clear(): void;
  dispose(): void;
}

interface PagesDeps<T> {
  /** For the log. */
  readonly what: string;
  readonly read: (access: Access, cursor: string | undefined) => Promise<Page<T>>;
  readonly existing: AccessToken["existing"];
  /** Signs in where that is needed; the work may run twice. */
  readonly withAccess: <R>(work: (access: Access) => Promise<R>) => Promise<R>;
  readonly log: Log;
}

export function createPages<T>({ what, read, existing, withAccess, log }: PagesDeps<T>): Pages<T> {
  const changes = createEmitter<PagesState<T>>();
  const nothing: PagesState<T> = { kind: "idle", items: [], next: undefined, total: undefined, message: undefined };
  let current = nothing;
  /** Names what is shown: an answer for another one is dropped. */
  let showing = {};
  let last: Promise<unknown> = Promise.resolve();

  function become(state: PagesState<T>): void {
    current = state;
    changes.fire(state);
  }

  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  }

  /** `more`: what follows what is in sight; else that much of it from the beginning. */
  async function attempt(access: Access, more: boolean): Promise<void> {
    const begun = showing;
    const isStale = async (): Promise<boolean> => (await existing())?.token !== access.token || begun !== showing;
    become({ ...current, kind: "loading", message: undefined });
    try {
      const before = more ? current.items : [];
      const wanted = more ? before.length + 1 : Math.max(current.items.length, 1);
      let page = await read(access, more ? current.next : undefined);
      const found = [...before, ...page.items];
      while (page.nextCursor !== null && found.length < wanted) {
        page = await read(access, page.nextCursor);
        found.push(...page.items);
      }
      if (await isStale()) return;
      become({
        kind: "ready",
        items: found,
        next: page.nextCursor ?? undefined,
        total: page.total,
        message: undefined,
      });
    } catch (error) {
      if (!(await isStale())) {
        log.warn(`${what} could not be read: ${describe(error)}`);
        const isOld =
          error instanceof FunctionError && (error.code === "reauth_required" || error.code === "unauthorized");
        const message = error instanceof FunctionError ? error.message : "The log says why.";
        become({ ...current, kind: isOld ? "sign-in" : "failed", message });
      }
      throw error;
    }
  }

  async function asked(more: boolean): Promise<void> {
    try {
      await withAccess((access) => inTurn(() => attempt(access, more)));
    } catch (error) {
      // The state tells.
      if (!(error instanceof FunctionError)) throw error;
    }
  }

  return {
    get current() {
      return current;
    },
    onDidChange: changes.event,
    open: async () => {
      if (current.kind !== "idle") return;
      become({ ...current, kind: "loading" });
      try {
        const access = await existing();
        if (access !== undefined) await inTurn(() => attempt(access, false));
      } catch {
        // The state tells.
      }
    },
    show: () => asked(false),
    showMore: () => asked(current.next !== undefined),
    restart: () => {
      showing = {};
      become(nothing);
      return asked(false);
    },
    change: (items, total) =>
      become({
        ...current,
        items: items(current.items),
        total: current.total === undefined ? undefined : total(current.total),
      }),
    clear: () => {
      showing = {};
      if (current !== nothing) become(nothing);
    },
    dispose: () => changes.dispose(),
  };
}
