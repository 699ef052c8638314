/** `1 person`, `4 people`: for the sentences that administrators read. */
export function people(count: number): string {
  return count === 1 ? "1 person" : `${count} people`;
}
