import * as vscode from "vscode";

import type { Disposable, Event } from "../base/emitter.ts";

const pollEvery = 60_000;

interface Visible {
  readonly visible: boolean;
  readonly onDidChangeVisibility: Event<{ readonly visible: boolean }>;
}

/**
 * Asks when a view comes into sight, and every minute from then on until it goes or the person turns to another window.
 * Without a view: while the window is in front. `poll` never rejects.
 */
export function pollWhileVisible(view: Visible | undefined, poll: () => Promise<void>): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const follow = (): void => {
    const isSeen = (view?.visible ?? true) && vscode.window.state.focused;
    if (isSeen === (timer !== undefined)) return;
    clearInterval(timer);
    timer = undefined;
    if (!isSeen) return;
    void poll();
    timer = setInterval(() => void poll(), pollEvery);
  };
  const subscriptions = [vscode.window.onDidChangeWindowState(follow)];
  if (view !== undefined) subscriptions.push(vscode.Disposable.from(view.onDidChangeVisibility(follow)));
  follow();
  return {
    dispose: () => {
      for (const subscription of subscriptions) subscription.dispose();
      clearInterval(timer);
    },
  };
}
