export interface Disposable {
  dispose(): void;
}

/** Subscribes; the answer ends the subscription. The editor's own events have this shape as well. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

export interface Emitter<T> {
  readonly event: Event<T>;
  fire(value: T): void;
  dispose(): void;
}

export function createEmitter<T>(): Emitter<T> {
  const listeners = new Set<(value: T) => void>();
  return {
    event: (listener) => {
      // Wrapped, so that subscribing one function twice gives two subscriptions.
      const entry = (value: T): void => listener(value);
      listeners.add(entry);
      return { dispose: () => void listeners.delete(entry) };
    },
    fire: (value) => {
      for (const listener of [...listeners]) listener(value);
    },
    dispose: () => listeners.clear(),
  };
}
