// A stand-in for a company's sign-in (Google Workspace, Okta, …) on loopback: the certified oidc-provider with a page
// on which one click signs in. For tests and the local demo only: it asks for no password, so it must never listen on
// anything but 127.0.0.1.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

import { errors } from "oidc-provider";
import type { Provider } from "oidc-provider";

import { examplePeople } from "./people.ts";
import type { Person } from "./people.ts";
import type { Forge } from "./forge.ts";
import { reshape } from "./forge.ts";
import { createProvider, sessionCookie, signInPath } from "./provider.ts";
import { faultPage, signInPage } from "./sign-in-page.ts";

export type { Person } from "./people.ts";

export interface IssuerOptions {
  /** Absent or 0: any free port. */
  readonly port?: number;
  readonly clientId?: string;
  /** Absent: a random one, to be read from the result. */
  readonly clientSecret?: string;
  /** Compared exactly. */
  readonly redirectUris: readonly string[];
  /** Read anew at every sign-in, so a test may rename or remove people in its own array meanwhile. */
  readonly people?: readonly Person[];
  /** True: a browser that has signed in is sent back silently, as real issuers do. Default false: always asked. */
  readonly remembersSignIn?: boolean;
  /** Where the issuer lives below its origin, as in `/<tenant>/v2.0`. */
  readonly path?: string;
  /** How far the issuer's clock is ahead of this machine's, in ms. */
  readonly skew?: () => number;
}

/** Answers with this status, and either an HTML page or the way to another address. */
export interface IssuerFault {
  readonly path: RegExp;
  readonly status: number;
  readonly location?: string;
}

export interface Issuer {
  /** The issuer identifier, `http://127.0.0.1:PORT` and the path; discovery is below it. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly people: readonly Person[];
  /** Replaces the redirect URIs; sign-ins under way are judged by those of their start. */
  setRedirectUris(redirectUris: readonly string[]): void;
  /** Makes the issuer hand out other ID tokens, or honest ones again. */
  setForge(forge: Forge | undefined): void;
  /** Breaks the paths that match; undefined: all is as it should be. */
  setFault(fault: IssuerFault | undefined): void;
  /** How often each path was asked for. */
  readonly requests: ReadonlyMap<string, number>;
  /** Closes the port and every connection; may be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts an issuer: code flow with PKCE S256, a confidential client authenticating by `client_secret_basic` or `_post`,
 * RS256 ID tokens with `email`, `email_verified`, `hd`, `name`, `groups` and `auth_time`, `iss` in its redirects.
 * It keeps everything in memory and prints nothing.
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { clientId = "openrouter-keys", clientSecret = randomBytes(32).toString("base64url") } = options;
  const { people = examplePeople, remembersSignIn = false, path = "", skew = () => 0 } = options;
  let redirectUris = [...options.redirectUris];

  const server = createServer();
  const url = `http://127.0.0.1:${await listen(server, options.port ?? 0)}${path}`;
  const requests = new Map<string, number>();
  let forge: Forge | undefined;
  let fault: IssuerFault | undefined;
  const provider = await createProvider(url, {
    people: () => people,
    reshape: (idToken, key) => reshape(idToken, key, { skewSeconds: Math.round(skew() / 1000), forge }),
    findClient: (id) =>
      id === clientId
        ? {
            client_id: clientId,
            client_name: "OpenRouter Keys",
            client_secret: clientSecret,
            redirect_uris: redirectUris,
            require_auth_time: true,
          }
        : undefined,
  });
  const protocol = provider.callback();
  server.on("request", (request, response) => {
    const asked = request.url?.split("?")[0] ?? "";
    requests.set(asked, (requests.get(asked) ?? 0) + 1);
    if (fault?.path.test(asked) === true) {
      if (fault.location !== undefined) response.setHeader("location", fault.location);
      send(response, fault.status, faultPage("This issuer is out of order."));
      return;
    }
    if (!remembersSignIn) forgetSignIn(request);
    mount(request, path);
    const isPage = request.url?.startsWith(signInPath) ?? false;
    void (isPage ? answerPage(provider, people, request, response) : protocol(request, response));
  });

  return {
    url,
    clientId,
    clientSecret,
    people,
    requests,
    setRedirectUris: (uris) => {
      redirectUris = [...uris];
    },
    setForge: (next) => {
      forge = next;
    },
    setFault: (next) => {
      fault = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Takes the port, on loopback only; rejects when another program has it. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("The issuer has no TCP port"));
      else resolve(address.port);
    });
  });
}

/** What is below the issuer's own path; the provider finds its own addresses by the difference. */
function mount(request: IncomingMessage & { originalUrl?: string }, path: string): void {
  if (path === "" || request.url?.startsWith(`${path}/`) !== true) return;
  request.originalUrl = request.url;
  request.url = request.url.slice(path.length);
}

/** Hides from the provider that this browser has signed in before, so that it asks again. */
function forgetSignIn({ headers }: IncomingMessage): void {
  const others = headers.cookie?.split("; ").filter((cookie) => !cookie.startsWith(sessionCookie));
  if (others !== undefined) headers.cookie = others.join("; ");
}

/** Shows the sign-in page or takes what was pressed on it. Never rejects: a fault becomes a page. */
async function answerPage(
  provider: Provider,
  people: readonly Person[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const interaction = await provider.interactionDetails(request, response);
    if (request.method !== "POST") {
      send(response, 200, signInPage(people, `${signInPath}${interaction.uid}`));
      return;
    }
    const form = new URLSearchParams(await text(request));
    const person = people.find(({ subject }) => subject === form.get("subject"));
    if (person === undefined && !form.has("cancel")) {
      send(response, 400, faultPage("Nobody of that name is known here. Go back and choose somebody else."));
      return;
    }
    if (person !== undefined && interaction.session !== undefined) {
      // Otherwise choosing somebody else than last time leads over a logout page that needs scripts.
      const session = await provider.Session.findByUid(interaction.session.uid);
      await session?.destroy();
      delete interaction.session;
      await interaction.persist();
    }
    // All prompts are answered at once, so that the page is shown once however the client worded its request.
    const result =
      person === undefined
        ? { error: "access_denied", error_description: "The person cancelled." }
        : { login: { accountId: person.subject }, select_account: {}, consent: {} };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  } catch (fault) {
    const isExpired = fault instanceof errors.SessionNotFound;
    const detail = isExpired ? "It has expired or was already used. Start again where you came from." : String(fault);
    send(response, isExpired ? 400 : 500, faultPage(detail));
  }
}

function send(response: ServerResponse, status: number, html: string): void {
  // No form-action here: browsers apply it to the redirects after the form too, and those lead to the client.
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  });
  response.end(html);
}
