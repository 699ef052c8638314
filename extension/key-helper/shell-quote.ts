/** One word for `/bin/sh`, whatever is in it. Left bare where it needs no quotes, so that it reads well in a file. */
export function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
