import { IssuerError } from "../../services/identity-issuer.ts";

/** The part of fetch that is used here; each host passes its own. */
export type IssuerFetch = (
  url: string,
  init: { method: string; headers: Record<string, string>; body?: string; redirect: "error"; signal: AbortSignal },
) => Promise<{ status: number; headers: { get(name: string): string | null }; text(): Promise<string> }>;

export interface JsonAnswer {
  readonly status: number;
  /** Null for an empty body. */
  readonly body: unknown;
  readonly header: (name: string) => string | null;
}

const timeoutMs = 10_000;
const mostCharacters = 1_000_000;

/**
 * One request to the sign-in service. Throws IssuerError "unavailable" when it does not answer in time, answers 5xx or
 * something other than JSON. Redirects are not followed: the addresses are the service's own.
 */
export async function fetchJson(
  fetch: IssuerFetch,
  url: string,
  init: { method: "GET" | "POST" | "DELETE"; headers?: Record<string, string>; body?: string },
): Promise<JsonAnswer> {
  try {
    const response = await fetch(url, {
      ...init,
      headers: { Accept: "application/json", ...init.headers },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status >= 500) throw new IssuerError("unavailable", `The issuer answered with ${response.status}.`);
    const text = await response.text();
    if (text.length > mostCharacters) throw new IssuerError("unavailable", "The issuer's answer is too long.");
    const body: unknown = text === "" ? null : JSON.parse(text);
    return { status: response.status, body, header: (name) => response.headers.get(name) };
  } catch (error) {
    // The cause's text may quote what was sent, which is a secret.
    throw error instanceof IssuerError
      ? error
      : new IssuerError("unavailable", "The issuer did not answer as it should.");
  }
}
