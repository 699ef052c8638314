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
}

/** Editors that register a URI scheme of their own and route `scheme://<extensionId>` to the extension. */
const editorSchemes = [
  "vscode",
  "vscode-insiders",
  "vscodium",
  "vscodium-insiders",
  "code-oss",
  "cursor",
  "windsurf",
  "kiro",
  "positron",
  "trae",
];

export function isRedirectAllowed(redirect: string, rules: RedirectRules): boolean {
  if (redirect.length > 2_000 || !/^[\x21-\x7e]+$/.test(redirect) || /[\\#]/.test(redirect)) return false;
  const [address, query] = split(redirect, "?");
  // VS Code appends windowId=<n> so that the right window gets the answer; nothing else is expected there.
  const isOwnQuery = query === undefined || /^windowId=(?:\d{1,10}|_blank)$/.test(query);
  if (isOwnQuery && editorSchemes.some((scheme) => address === `${scheme}://${rules.extensionId}${rules.path}`)) {
    return true;
  }
  const loopback = /^http:\/\/127\.0\.0\.1:([1-9]\d{0,4})(\/.*)$/.exec(address);
  if (loopback !== null && query === undefined && loopback[2] === rules.path && Number(loopback[1]) <= 65_535) {
    return true;
  }
  return rules.listed.includes(address);
}

function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
