import * as z from "zod/mini";

import { keyStates } from "../../functions/contract/keys.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Memory } from "../base/memory.ts";
import type { KeyFilter } from "./company-keys.ts";

const Kept = z.object({
  folds: z.record(z.string(), z.boolean()),
  selected: z.optional(z.string()),
  filter: z.object({ q: z.optional(z.string()), state: z.optional(z.enum(keyStates)) }),
});
type Kept = z.infer<typeof Kept>;

/** How the view was left: over refreshes, windows and starts. What cannot be read counts as nothing. */
export interface ViewMemory {
  readonly folds: { get(id: string): boolean | undefined; set(id: string, isOpen: boolean): void };
  readonly selected: { get(): string | undefined; set(id: string | undefined): void };
  readonly filter: { get(): KeyFilter; set(filter: KeyFilter): void };
}

const name = "admin.view";
/** Of rows that come and go, such as runs, the last ones. */
const mostFolds = 100;

export function createViewMemory(memory: Memory, log: Log): ViewMemory {
  let kept = read(memory);
  const keep = (change: Partial<Kept>): void => {
    kept = { ...kept, ...change };
    Promise.resolve(memory.update(name, JSON.stringify(kept))).catch((error: unknown) =>
      log.warn(`How the view was left cannot be kept in mind: ${describe(error)}`),
    );
  };
  return {
    folds: {
      get: (id) => (Object.hasOwn(kept.folds, id) ? kept.folds[id] : undefined),
      set: (id, isOpen) => {
        const others = Object.entries(kept.folds).filter(([other]) => other !== id);
        keep({ folds: Object.fromEntries([...others, [id, isOpen]].slice(-mostFolds)) });
      },
    },
    selected: { get: () => kept.selected, set: (id) => keep({ selected: id }) },
    filter: { get: () => kept.filter, set: (filter) => keep({ filter }) },
  };
}

function read(memory: Memory): Kept {
  const text = memory.get(name);
  try {
    return Kept.parse(JSON.parse(typeof text === "string" ? text : ""));
  } catch {
    return { folds: {}, filter: {} };
  }
}
