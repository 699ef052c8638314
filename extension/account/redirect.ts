import { isLoopback } from "./function-address.ts";

export type Redirect =
  /** The browser comes back to the editor itself, at exactly this address. */
  | { readonly kind: "editor"; readonly address: string }
  /** The browser comes back to a listener that we open on this machine. */
  | { readonly kind: "loopback" }
  | { readonly kind: "none"; readonly message: string };

/**
 * How the browser returns after a sign-in, from what the editor made of its own address
 * (`vscode://<extension>/auth`): on a desktop that address, perhaps with a window's number; in a browser an https
 * page, or an http page where code-server runs without TLS. An http page is no redirect that a function allows, and
 * on this machine a listener does as well.
 */
export function chooseRedirect(external: string): Redirect {
  if (!URL.canParse(external)) {
    return { kind: "none", message: "This editor gave no address to return to after a sign-in." };
  }
  const url = new URL(external);
  if (url.protocol !== "http:") return { kind: "editor", address: external };
  if (isLoopback(url.hostname)) return { kind: "loopback" };
  return {
    kind: "none",
    message: `This editor is open at ${url.origin}, which is not encrypted. Open it over https to sign in.`,
  };
}

/** What the browser brought back. `query` is without the question mark. */
export interface Callback {
  readonly path: string;
  readonly query: string;
}

export type CallbackReading =
  | { readonly kind: "not-ours" }
  | { readonly kind: "code"; readonly code: string }
  | { readonly kind: "refused"; readonly error: string; readonly description: string | undefined };

/** Anybody can open the editor's address: what does not carry the state of the sign-in under way is not ours. */
export function readCallback(callback: Callback, path: string, state: string): CallbackReading {
  const query = new URLSearchParams(callback.query);
  if (callback.path !== path || query.getAll("state").length !== 1 || query.get("state") !== state) {
    return { kind: "not-ours" };
  }
  const error = query.get("error");
  if (error !== null) return { kind: "refused", error, description: query.get("error_description") ?? undefined };
  const code = query.get("code");
  return code === null || code === "" ? { kind: "not-ours" } : { kind: "code", code };
}
