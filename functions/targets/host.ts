import { isDatabaseAway } from "../adapters/postgres/database.ts";
import { SettingsError } from "../settings.ts";

/** What every host does alike. */

/** Resolves after so many milliseconds, or rejects when the signal aborts. */
export function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** One line of the log. */
export function logLine(entry: object): string {
  return JSON.stringify({ time: new Date().toISOString(), ...entry });
}

/** Of work that no request waits for. Errors of drivers and fetches may quote what was sent. */
export function failureEntry(error: unknown): object {
  const reason = isDatabaseAway(error)
    ? "database"
    : error instanceof SettingsError
      ? error.message
      : error instanceof Error
        ? error.name
        : "unknown";
  return { event: "failed", reason };
}

/** Where the settings are read with the first request, it is the one to hear that they are not usable. */
export function unusableSettings(): Response {
  return Response.json(
    { status: "degraded", reasons: ["The function's settings are not usable; its log says why."] },
    { status: 503 },
  );
}
