import { isLoopbackAddress } from "./address.ts";

/**
 * Where a one-time code may be sent. Exact matches only: a wildcard over a host that tenants share would let an
 * attacker start a sign-in from their own machine there and have the victim's code delivered to it; PKCE does not
 * help, because the attacker holds the verifier.
 */
export interface RedirectRules {
  /** `<publisher>.<name>` of the extension. */
  readonly extensionId: string;
  /** Path of every editor's own redirect address, with its slash. */
  readonly path: string;
  /** Further addresses that the company lists: scheme, host and path must be equal, the editor's own query is free. */
  readonly listed: readonly string[];
  /** The URI schemes of editors that route `scheme://<extensionId>` to the extension. */
  readonly editorSchemes: readonly string[];
  /** The function's own page that shows the code, to be pasted into an editor that no address leads to. */
  readonly codePage: string;
}

/**
 * editor: only programs on the person's own machine hear of it. browser: an editor on a host that others may have a
 * part of, so the person is asked first. page: the code is shown and goes nowhere by itself.
 */
export type RedirectKind = "editor" | "browser" | "page";

/** Undefined: no code goes there. */
export function redirectKind(redirect: string, rules: RedirectRules): RedirectKind | undefined {
  if (redirect.length > 2_000 || !/^[\x21-\x7e]+$/.test(redirect) || /[\\#]/.test(redirect)) return undefined;
  if (redirect === rules.codePage) return "page";
  const [address, query] = split(redirect, "?");
  // VS Code appends windowId=<n> so that the right window gets the answer; nothing else is expected there.
  const isOwnQuery = query === undefined || /^windowId=(?:\d{1,10}|_blank)$/.test(query);
  if (isOwnQuery && rules.editorSchemes.some((scheme) => address === `${scheme}://${rules.extensionId}${rules.path}`)) {
    return "editor";
  }
  const loopback = /^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})(\/.*)$/.exec(address);
  if (loopback !== null && query === undefined && loopback[2] === rules.path && Number(loopback[1]) <= 65_535) {
    return "editor";
  }
  if (!rules.listed.includes(address)) return undefined;
  return isLoopbackAddress(address) ? "editor" : "browser";
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
