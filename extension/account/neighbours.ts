/**
 * Windows of one editor share its secret storage, and hear of each other's changes by it. An editor in a browser reads
 * the storage once for each window: there a sign-out in one window would leave the others serving. So windows on one
 * machine also tell each other in words that are no secret: which session began or ended.
 */
import * as z from "zod/mini";

import { createEmitter, type Event } from "../base/emitter.ts";
import type { FunctionAddress } from "./function-address.ts";
import type { Session, SessionStore } from "./session.ts";

export const Mark = z.object({
  event: z.enum(["signed-in", "signed-out"]),
  base: z.string(),
  /** The session's name for the editor, from which nothing can be derived. */
  sessionId: z.string(),
  /** The session that was there before, which another window may still take for the one that counts. */
  replaces: z.optional(z.string()),
});
export type Mark = z.infer<typeof Mark>;

export interface Neighbours {
  /** Never rejects: what cannot be told is found out with the next request. */
  tell(mark: Mark): Promise<void>;
  /** What other windows tell. */
  readonly onMark: Event<Mark>;
}

export interface SharedSessions extends SessionStore {
  /** Somebody signed in in another window, and this one cannot see it until it is reloaded. */
  readonly onSignedInElsewhere: Event<void>;
}

/** The store, told of what other windows do. Nothing is written for another window: it has written it itself. */
export function shareSessions(store: SessionStore, neighbours: Neighbours): SharedSessions {
  const changes = createEmitter<void>();
  const elsewhere = createEmitter<void>();
  const ended = new Set<string>();
  const successors = new Map<string, string>();

  function hasEnded(sessionId: string | undefined): boolean {
    for (let id = sessionId; id !== undefined; id = successors.get(id)) if (ended.has(id)) return true;
    return false;
  }

  async function read(address: FunctionAddress): Promise<Session> {
    const session = await store.read(address);
    return session.kind !== "signed-out" && hasEnded(session.id) ? { kind: "signed-out" } : session;
  }

  async function end(address: FunctionAddress, forget: () => Promise<void>): Promise<void> {
    const session = await store.read(address);
    await forget();
    if (session.kind === "signed-out") return;
    await neighbours.tell({ event: "signed-out", base: address.base, sessionId: session.id });
  }

  async function hear({ event, base, sessionId, replaces }: Mark): Promise<void> {
    if (event === "signed-out") {
      ended.add(sessionId);
      changes.fire();
      return;
    }
    if (replaces !== undefined && replaces !== sessionId) successors.set(replaces, sessionId);
    const session = await store.read({ base, origin: new URL(base).origin });
    if (session.kind === "signed-out" || session.id !== sessionId) elsewhere.fire();
  }
  const subscriptions = [
    store.onDidChange(() => changes.fire()),
    neighbours.onMark((mark) => {
      if (URL.canParse(mark.base)) void hear(mark).catch(() => {});
    }),
  ];

  return {
    read,
    signedIn: async (address, answer) => {
      const before = await store.read(address);
      const session = await store.signedIn(address, answer);
      if (session.kind !== "signed-out") {
        const replaces = before.kind === "signed-out" ? {} : { replaces: before.id };
        await neighbours.tell({ event: "signed-in", base: address.base, sessionId: session.id, ...replaces });
      }
      return session;
    },
    expire: (address, token) => store.expire(address, token),
    forget: (address) => end(address, () => store.forget(address)),
    forgetLeaver: (address) => end(address, () => store.forgetLeaver(address)),
    onLeft: store.onLeft,
    onDidChange: changes.event,
    onSignedInElsewhere: elsewhere.event,
    dispose: () => {
      for (const subscription of subscriptions) subscription.dispose();
      changes.dispose();
      elsewhere.dispose();
      store.dispose();
    },
  };
}
