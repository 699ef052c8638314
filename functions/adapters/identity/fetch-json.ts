import { IssuerError } from "../../services/identity-issuer.ts";

const timeoutMs = 10_000;

/**
 * One request to the issuer. Throws IssuerError "unavailable" when it does not answer in time, answers 5xx or
 * something other than JSON. Redirects are not followed: the addresses are the issuer's own.
 */
export async function fetchJson(
  url: string,
  init: { method: "GET" | "POST"; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { Accept: "application/json", ...init.headers },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status >= 500) throw new IssuerError("unavailable", `The issuer answered with ${response.status}.`);
    return { status: response.status, body: await response.json() };
  } catch (error) {
    // The cause's text may quote what was sent, which is a secret.
    throw error instanceof IssuerError
      ? error
      : new IssuerError("unavailable", "The issuer did not answer as it should.");
  }
}
