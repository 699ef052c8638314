/** Each in turn, so many times over. */
export async function rounds<Name extends string>(
  times: number,
  subjects: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = namesOf(subjects);
  const figures = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < times; round += 1) {
    for (const name of names) figures.get(name)?.push(await subjects[name]());
  }
  return Object.fromEntries(figures) as Record<Name, number[]>;
}

/** `Object.keys` of an object that was written with just these names. */
export function namesOf<Name extends string>(subjects: Readonly<Record<Name, unknown>>): Name[] {
  return Object.keys(subjects) as Name[];
}
