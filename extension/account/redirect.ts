import { editorSchemes } from "../../functions/contract/paths.ts";
import { isLoopback } from "./function-address.ts";
import { t } from "../base/words.ts";

/** How the browser returns after a sign-in. */
export type Redirect =
  /** To the editor itself, at exactly this address. */
  | { readonly kind: "editor"; readonly address: string }
  /** To the page of an editor in a browser, if the function's administrators have listed its address; else by a code. */
  | { readonly kind: "page"; readonly address: string }
  /** To a listener that we open on this machine. */
  | { readonly kind: "loopback" }
  /** Not at all: the function shows a code, which the person pastes into the editor. */
  | { readonly kind: "code" }
  | { readonly kind: "none"; readonly message: string };

/**
 * Chosen from what the editor made of its own address (`vscode://<extension>/auth`): on a desktop that address, perhaps
 * with a window's number; in a browser an https page, or an http page where code-server runs without TLS. `isHere`:
 * the browser runs on the machine of the extension, so that a listener there can be reached.
 */
export function chooseRedirect(external: string, isHere: boolean): Redirect {
  const unaddressed: Redirect = isHere ? { kind: "loopback" } : { kind: "code" };
  if (!URL.canParse(external)) return unaddressed;
  const url = new URL(external);
  if (url.protocol === "https:") return { kind: "page", address: external };
  if (url.protocol !== "http:") {
    return editorSchemes.includes(url.protocol.slice(0, -1)) ? { kind: "editor", address: external } : unaddressed;
  }
  if (isLoopback(url.hostname)) return unaddressed;
  return {
    kind: "none",
    message: t("This editor is open at {0}, which is not encrypted. Open it over https to sign in.", url.origin),
  };
}

interface HostFacts {
  /** The editor itself is a page in a browser. */
  readonly isWeb: boolean;
  /** As the editor names the machine it is connected to; undefined: its own. */
  readonly remoteName: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Whether the browser that a sign-in opens can reach a listener of ours. A server that was started over SSH is looked
 * at through a tunnel, which carries the editor's port and no other.
 */
export function isBrowserHere({ isWeb, remoteName, env }: HostFacts): boolean {
  if (!isWeb) return remoteName === undefined;
  return env["SSH_CONNECTION"] === undefined && env["SSH_CLIENT"] === undefined;
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
