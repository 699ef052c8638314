/** The editor's memory of its own, which is neither synchronized nor secret. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: string): PromiseLike<void>;
}

/** The tools that a person did not want to be set up on this machine: they stay unticked the next time. */
export interface LeftOutTools {
  read(): ReadonlySet<string>;
  /** What was not offered stays as it was. */
  keep(offered: readonly string[], chosen: readonly string[]): Promise<void>;
}

/** The memory follows the person to remote machines, whose tools are others: `machine` tells them apart. */
export function createLeftOutTools(memory: Memory, machine: string): LeftOutTools {
  const name = `tools-left-out ${machine}`;
  const read = (): ReadonlySet<string> => {
    const known = memory.get(name);
    return new Set(typeof known === "string" ? known.split(" ").filter((id) => id !== "") : []);
  };
  return {
    read,
    keep: async (offered, chosen) => {
      const left = new Set([...read(), ...offered].filter((id) => !chosen.includes(id)));
      await memory.update(name, [...left].join(" "));
    },
  };
}
