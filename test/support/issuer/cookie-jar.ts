/** The cookies of one browser, as far as loopback sign-ins need them. */
export interface CookieJar {
  /** The `Cookie` header for a request, or "". */
  header(url: URL): string;
  /** Keeps, replaces or drops what the `Set-Cookie` lines of an answer say. */
  keep(url: URL, setCookies: readonly string[]): void;
}

interface Cookie {
  readonly host: string;
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly isSecure: boolean;
}

/**
 * Keeps cookies per host and path whatever the port, and treats loopback as a secure place, both as browsers do; a
 * `__Host-` or `__Secure-` cookie without the attributes its name demands is dropped, as browsers do too.
 * Domain attributes are not supported: a cookie goes back to the host that set it.
 */
export function createCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();

  return {
    header: (url) =>
      [...cookies.values()]
        .filter(({ host, path, isSecure }) => {
          return host === url.hostname && isBelow(url.pathname, path) && (!isSecure || isTrustworthy(url));
        })
        .toSorted((a, b) => b.path.length - a.path.length)
        .map(({ name, value }) => `${name}=${value}`)
        .join("; "),
    keep: (url, setCookies) => {
      for (const line of setCookies) {
        const [pair = "", ...parts] = line.split(";").map((part) => part.trim());
        const attributes = new Map(parts.map((part) => splitAt(part, (key) => key.toLowerCase())));
        const [name, value] = splitAt(pair, (key) => key);
        const cookie = {
          host: url.hostname,
          name,
          value,
          path: attributes.get("path") ?? (url.pathname.replace(/\/[^/]*$/, "") || "/"),
          isSecure: attributes.has("secure"),
        };
        if (!mayBeSet(cookie, url, attributes)) continue;

        const key = JSON.stringify([cookie.host, cookie.path, name]);
        if (isExpired(attributes)) cookies.delete(key);
        else cookies.set(key, cookie);
      }
    },
  };
}

function splitAt(pair: string, readKey: (key: string) => string): [string, string] {
  const at = pair.indexOf("=");
  return at === -1 ? [readKey(pair), ""] : [readKey(pair.slice(0, at)), pair.slice(at + 1)];
}

function mayBeSet({ name, path, isSecure }: Cookie, url: URL, attributes: ReadonlyMap<string, string>): boolean {
  if (isSecure && !isTrustworthy(url)) return false;
  if (name.startsWith("__Host-")) return isSecure && path === "/" && !attributes.has("domain");
  return !name.startsWith("__Secure-") || isSecure;
}

function isExpired(attributes: ReadonlyMap<string, string>): boolean {
  const maxAge = attributes.get("max-age");
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  const expires = attributes.get("expires");
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith("/") ? path : `${path}/`);
}

function isTrustworthy(url: URL): boolean {
  return url.protocol === "https:" || url.hostname === "127.0.0.1" || url.hostname === "localhost";
}
