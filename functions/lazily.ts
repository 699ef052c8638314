type Verb = (...parameters: never[]) => Promise<unknown>;

/** A port whose implementation is loaded when one of its verbs is first called. All of its verbs return promises. */
export function lazily<Port extends Readonly<Record<keyof Port, Verb>>>(
  verbs: readonly (keyof Port)[],
  load: () => Promise<Port>,
): Port {
  let loaded: Promise<Port> | undefined;
  const entries = verbs.map((name) => {
    const call = async (...parameters: never[]): Promise<unknown> => {
      loaded ??= load();
      return (await loaded)[name](...parameters);
    };
    return [name, call] as const;
  });
  // Each verb passes on what it is given and what it gets, so that it has the type of the one behind it.
  return Object.fromEntries(entries) as Port;
}
