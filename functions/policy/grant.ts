import type { Finding } from "./evidence.ts";

const freshMs = 15 * 60_000;

/**
 * Whether what is known of the directory's answers about a person is ground enough to grant something: some source was
 * asked outright in the last 15 minutes and said active, and none has said since that they left. An answer from the
 * future is none: a clock was set back.
 */
export function mayRestOn(
  known: readonly { readonly finding: Finding; readonly checkedAt: number; readonly activeAt: number | undefined }[],
  now: number,
): boolean {
  return (
    known.some(({ activeAt }) => activeAt !== undefined && activeAt <= now && now - activeAt < freshMs) &&
    !known.some(({ finding }) => finding.state === "inactive" || (finding.state === "unknown" && finding.isAlarming))
  );
}
