/** What a request told about whether OpenRouter is there. */
export type Sign = "answered" | "failed" | "unknown";

export interface Circuit {
  /** How to report what became of the request; undefined when it must not be sent. */
  enter(): ((sign: Sign) => void) | undefined;
  isOpen(): boolean;
  /** Whole seconds, at least 1. */
  secondsToNextTry(): number;
}

const failuresToOpen = 8;
const restMs = 3_000;

/**
 * Stops asking a service that is down: after eight failures in a row nothing is sent for three seconds, then one request
 * at a time tries whether it is back. Callers get their answer at once instead of waiting for a time-out each.
 */
export function createCircuit(clock: () => number): Circuit {
  let failures = 0;
  let openedAt: number | undefined;
  let isTrying = false;

  function report(sign: Sign): void {
    if (sign === "answered") {
      failures = 0;
      openedAt = undefined;
    }
    if (sign === "failed") {
      failures += 1;
      if (failures >= failuresToOpen) openedAt = clock();
    }
  }

  return {
    enter() {
      if (openedAt === undefined) return report;
      if (isTrying || clock() - openedAt < restMs) return undefined;
      isTrying = true;
      return (sign) => {
        isTrying = false;
        report(sign);
      };
    },
    isOpen: () => openedAt !== undefined,
    secondsToNextTry() {
      const rest = openedAt === undefined ? 0 : openedAt + restMs - clock();
      return Math.max(1, Math.ceil(rest / 1000));
    },
  };
}
