// A browser as far as signing in needs one: it keeps cookies, follows redirects and presses one button of the issuer's
// page. It never requests an address outside the function and the issuer, so the client's own redirect stays unspent.
import { createCookieJar } from "./cookie-jar.ts";
import { readForm } from "./read-form.ts";

const mostHops = 20;

/** One browser: its cookies live as long as it does. */
export interface Browser {
  /** Requests one address with this browser's cookies and keeps what it sets; redirects are left to the caller. */
  request(
    url: URL | string,
    init?: { readonly method?: "GET" | "POST"; readonly form?: URLSearchParams },
  ): Promise<Response>;
}

export function createBrowser(): Browser {
  const jar = createCookieJar();
  return {
    request: async (url, { method = "GET", form } = {}) => {
      const target = new URL(url);
      const cookie = jar.header(target);
      const response = await fetch(target, {
        method,
        redirect: "manual",
        headers: { accept: "text/html", ...(cookie === "" ? {} : { cookie }) },
        ...(form === undefined ? {} : { body: form }),
      });
      jar.keep(target, response.headers.getSetCookie());
      return response;
    },
  };
}

/** A sign-in that ended on a page instead of a redirect to the client: refused, or in need of a person. */
export class SignInStopped extends Error {
  readonly url: URL;
  readonly status: number;
  readonly body: string;

  constructor(url: URL, status: number, body: string) {
    super(`The sign-in stopped at ${url.origin}${url.pathname} with status ${status}`);
    this.name = "SignInStopped";
    this.url = url;
    this.status = status;
    this.body = body;
  }
}

/**
 * Signs in at the issuer as `email`, beginning at its authorization URL, and returns its redirect to the client
 * (with `code`, `state` and `iss`) unrequested. Throws SignInStopped where no redirect comes.
 */
export function signInAs(authorizationUrl: URL | string, email: string, browser = createBrowser()): Promise<URL> {
  const start = new URL(authorizationUrl);
  return follow(browser, start, email, (next) => next.origin !== start.origin);
}

/** As `signInAs`, but presses Cancel; the redirect then carries `error=access_denied`. */
export function cancelSignIn(authorizationUrl: URL | string, browser = createBrowser()): Promise<URL> {
  return signInAs(authorizationUrl, "Cancel", browser);
}

/**
 * Signs in through the function: begins at its `/v1/auth/start?…`, passes through the issuer it redirects to and the
 * function's callback, and returns the first redirect to the start URL's own `redirect_uri` or to any address
 * elsewhere, unrequested. Throws SignInStopped when a page comes instead, such as the function's refusal.
 */
export function followSignIn(startUrl: URL | string, email: string, browser = createBrowser()): Promise<URL> {
  const start = new URL(startUrl);
  const clientRedirect = URL.parse(start.searchParams.get("redirect_uri") ?? "");
  const origins = new Set([start.origin]);

  return follow(browser, start, email, (next) => {
    if (clientRedirect !== null && addressOf(next) === addressOf(clientRedirect)) return true;
    // The one other origin that may be visited is the first that the function sends the browser to: the issuer.
    if (origins.size === 1 && next.protocol.startsWith("http")) origins.add(next.origin);
    return !origins.has(next.origin);
  });
}

function addressOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

async function follow(browser: Browser, start: URL, choice: string, isEnd: (next: URL) => boolean): Promise<URL> {
  let url = start;
  let response = await browser.request(url);
  let hasPressed = false;

  for (let hop = 0; hop < mostHops; hop += 1) {
    const location = response.headers.get("location");
    const body = await response.text();

    if (location !== null && response.status >= 300 && response.status < 400) {
      const next = new URL(location, url);
      if (isEnd(next)) return next;
      url = next;
      response = await browser.request(url);
      continue;
    }

    const form = response.ok && !hasPressed ? readForm(body) : undefined;
    if (form === undefined) throw new SignInStopped(url, response.status, body);
    const button = form.buttons.find(({ text }) => text.split(" ").includes(choice));
    if (button === undefined) throw new Error(`The sign-in page offers no button for ${choice}`);
    hasPressed = true;
    url = new URL(form.action, url);
    response = await browser.request(url, { method: "POST", form: new URLSearchParams([[button.name, button.value]]) });
  }
  throw new Error(`The sign-in was still redirecting after ${mostHops} hops`);
}
