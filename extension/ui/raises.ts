import type { OwnClientDeps } from "../account/own-client.ts";
import type { Clock } from "../base/clock.ts";
import type { Disposable } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KeyRingState } from "../keys/key-ring.ts";
import { createRaiseList, isOpen, type RaiseList } from "../keys/raise-list.ts";
import { raiseNews, type WatchedRaises } from "../keys/raise-news.ts";
import { createRaiseService } from "../keys/raise-service.ts";
import type { ChangeKeyDeps } from "./change-key.ts";
import { requestRaise } from "./request-raise.ts";

export interface RaisesDeps extends OwnClientDeps, ChangeKeyDeps {
  /** As the editor keeps it for all windows: nothing but ids may be put there. */
  readonly memory: { get(key: string): unknown; update(key: string, value: string): PromiseLike<void> };
  readonly isInFront: () => boolean;
  readonly showList: (list: RaiseList) => Disposable;
  readonly clock: Pick<Clock, "now">;
  readonly log: Log;
}

export interface Raises extends Disposable {
  /** What the keys view shows: the raises are read with it while there is something to hear of. Never rejects. */
  follow(state: KeyRingState): Promise<void>;
  request(argument: unknown): Promise<void>;
}

const watchedKey = (accountId: string): string => `raises.watched.${accountId}`;
/** While something waits and nobody looks. */
const lookEvery = 5 * 60_000;

/** A person's own raises: asking, showing what waits, and telling once how it was decided. Loaded when somebody is signed in. */
export function createRaises(deps: RaisesDeps): Raises {
  const { memory, dialogs, ring, log } = deps;
  const service = createRaiseService(deps);
  const list = createRaiseList({ existing: deps.accessToken.existing, service, clock: deps.clock, log });
  const shown = deps.showList(list);
  let followed: string | undefined;
  /** For an editor that keeps nothing in mind: at least this window tells once. */
  const told = new Set<string>();

  const watchedOf = (accountId: string): WatchedRaises => ({
    read: () => {
      const text = memory.get(watchedKey(accountId));
      return typeof text === "string" ? text.split(" ").filter(Boolean) : [];
    },
    write: async (ids) => {
      try {
        await memory.update(watchedKey(accountId), ids.join(" "));
      } catch (error) {
        log.warn(`The raises that wait cannot be kept in mind: ${describe(error)}`);
      }
    },
  });

  async function look(): Promise<void> {
    await list.refresh();
    if (followed === undefined) return;
    const news = (await raiseNews(list.current, watchedOf(followed), deps.isInFront())).filter(
      ({ id }) => !told.has(id),
    );
    for (const { id } of news) told.add(id);
    for (const { kind, sentence } of news) void (kind === "good" ? dialogs.info(sentence) : dialogs.warn(sentence));
    // The key's limit is another one.
    if (news.length > 0) void ring.refresh();
  }

  const timer = setInterval(() => {
    if (deps.isInFront() && list.current.some(({ state }) => state === "waiting")) void look();
  }, lookEvery);

  return {
    follow: async (state) => {
      if (state.kind === "failed") return;
      if (state.kind !== "ready") {
        followed = undefined;
        list.clear();
        return;
      }
      const isFirst = followed !== state.me.account.id;
      if (isFirst) list.clear();
      followed = state.me.account.id;
      if (isFirst || list.current.some(isOpen) || watchedOf(followed).read().length > 0) await look();
    },
    request: (argument) => {
      const openOn = (): ReadonlySet<string> => new Set(list.current.filter(isOpen).map(({ keyId }) => keyId));
      return requestRaise({ ...deps, raises: service, openOn, asked: look }, argument);
    },
    dispose: () => {
      clearInterval(timer);
      shown.dispose();
      list.dispose();
    },
  };
}
