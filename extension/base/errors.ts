/**
 * An error whose message is a sentence for a person: what happened and what to do next.
 * Everything else that is thrown is a fault of ours and is shown as such.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
}

/** Thrown to unwind when a person cancels. It is never shown. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";
  constructor() {
    super("Cancelled.");
  }
}

/** One line for the log: the chain of causes by name and message, without stacks. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} (because ${describe(error.cause)})`;
}

/** Text from elsewhere made fit to show: control and formatting characters out, at most `longest` characters. */
export function presentable(text: string, longest = 300): string {
  const clean = text
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
  const characters = [...clean];
  return characters.length <= longest ? clean : `${characters.slice(0, longest - 1).join("")}…`;
}
