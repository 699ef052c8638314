import type { Disposable, Event } from "../base/emitter.ts";

const pollEvery = 60_000;

interface Visible {
  readonly visible: boolean;
  readonly onDidChangeVisibility: Event<{ readonly visible: boolean }>;
}

/** Asks when a view comes into sight, and every minute from then on until it goes. `poll` never rejects. */
export function pollWhileVisible(view: Visible, poll: () => Promise<void>): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const follow = (isVisible: boolean): void => {
    clearInterval(timer);
    timer = undefined;
    if (!isVisible) return;
    void poll();
    timer = setInterval(() => void poll(), pollEvery);
  };
  const subscription = view.onDidChangeVisibility(({ visible }) => follow(visible));
  follow(view.visible);
  return {
    dispose: () => {
      subscription.dispose();
      follow(false);
    },
  };
}
