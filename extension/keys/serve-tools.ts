import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

interface KeyServer {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface ServingDeps {
  /**
   * There is a key to serve, or a tool on this machine that will ask for one and is to be told why there is none.
   */
  readonly isWanted: () => Promise<boolean>;
  /** Loaded when it is first wanted. */
  readonly server: () => Promise<KeyServer>;
  readonly log: Log;
}

export interface Serving {
  /** Starts or stops the server to match what is wanted. Never rejects. */
  sync(): Promise<void>;
  /** For the end of the window. Never rejects. */
  stop(): Promise<void>;
}

/** The switch that the key helper's server hangs on. What it answers is read anew each time and not known here. */
export function createServing({ isWanted, server, log }: ServingDeps): Serving {
  let isOn = false;
  let last: Promise<void> = Promise.resolve();

  /** One change after the other: a stop must not be overtaken by the start before it. */
  function next(wanted: () => Promise<boolean>): Promise<void> {
    last = last.then(async () => {
      try {
        const on = await wanted();
        if (on === isOn) return;
        await (on ? (await server()).start() : (await server()).stop());
        isOn = on;
        log.info(on ? "The key helper is answered." : "The key helper is no longer answered.");
      } catch (error) {
        log.error(`The key helper's server failed: ${describe(error)}`);
      }
    });
    return last;
  }

  return { sync: () => next(isWanted), stop: () => next(async () => false) };
}
