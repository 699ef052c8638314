import * as z from "zod/mini";

import type { Clock } from "../../services/deps.ts";
import type { Identity, IdentityIssuer } from "../../services/identity-issuer.ts";
import { IssuerError } from "../../services/identity-issuer.ts";
import { sha256 } from "../../services/secrets.ts";
import { readCode } from "./authorization-answer.ts";
import type { IssuerFetch, JsonAnswer } from "./fetch-json.ts";
import { fetchJson } from "./fetch-json.ts";

export interface GitHubOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly organization: string;
  readonly webUrl: string;
  readonly apiUrl: string;
  readonly redirectUri: string;
  readonly allowedDomains: readonly string[];
  readonly fetch: IssuerFetch;
  readonly clock: Clock;
}

/** GitHub answers a refused code with status 200 and `error`. */
const TokenAnswer = z.union([z.object({ access_token: z.string() }), z.object({ error: z.string() })]);
const UserAnswer = z.object({ id: z.int() });
const MembershipAnswer = z.object({ state: z.string(), user: z.object({ id: z.int() }) });
const EmailsAnswer = z.array(z.object({ email: z.string(), verified: z.boolean(), primary: z.boolean() }));

/**
 * GitHub, through the company's own GitHub App, so that no other app's token counts. What lets a person in is being an
 * active member of the organisation at this moment: a leaver keeps the company's address "verified" at GitHub. People
 * are known by their number; names change hands. The token is used for these questions and then revoked.
 */
export function createGitHubIssuer(options: GitHubOptions): IdentityIssuer {
  return {
    async authorizationUrl({ state, verifier, maxAgeSeconds }) {
      const url = new URL(`${options.webUrl}/login/oauth/authorize`);
      const parameters = {
        client_id: options.clientId,
        redirect_uri: options.redirectUri,
        state,
        code_challenge: await sha256(verifier),
        code_challenge_method: "S256",
        allow_signup: "false",
        // The nearest that GitHub has to asking again.
        ...(maxAgeSeconds === 0 ? { prompt: "select_account" } : {}),
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.toString();
    },

    async redeem({ parameters, verifier }) {
      const token = await exchange(options, readCode(parameters), verifier);
      try {
        return await identify(options, token);
      } finally {
        await revoke(options, token);
      }
    },
  };
}

async function exchange(options: GitHubOptions, code: string, verifier: string): Promise<string> {
  const answer = await askGitHubForToken(options, code, verifier);
  const parsed = TokenAnswer.safeParse(answer.body);
  if (answer.status !== 200 || !parsed.success || "error" in parsed.data) {
    throw new IssuerError("refused", "GitHub refused the code.");
  }
  return parsed.data.access_token;
}

/** The answer to a code, whatever it is. */
export function askGitHubForToken(
  options: Pick<GitHubOptions, "fetch" | "clientId" | "clientSecret" | "redirectUri" | "webUrl">,
  code: string,
  verifier: string,
): Promise<JsonAnswer> {
  const form = new URLSearchParams({
    client_id: options.clientId,
    client_secret: options.clientSecret,
    code,
    redirect_uri: options.redirectUri,
    code_verifier: verifier,
  });
  return fetchJson(options.fetch, `${options.webUrl}/login/oauth/access_token`, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
}

async function identify(options: GitHubOptions, token: string): Promise<Identity> {
  const user = read(UserAnswer, await ask(options, token, "/user"));
  await requireMember(options, token, user.id);
  const emails = read(EmailsAnswer, await ask(options, token, "/user/emails"));
  const own = emails
    .filter(({ email, verified }) => verified && isAllowed(options, email))
    .toSorted((left, right) => Number(right.primary) - Number(left.primary))[0];
  return {
    provider: "github",
    issuer: options.webUrl,
    subject: String(user.id),
    // Without one of the company, whichever there is: the refusal names it.
    email: own?.email ?? emails.find(({ primary }) => primary)?.email,
    emailVerified: own !== undefined,
    hostedDomain: undefined,
    isGuest: false,
    groups: [],
    authTime: options.clock(),
  };
}

async function requireMember(options: GitHubOptions, token: string, userId: number): Promise<void> {
  const { organization } = options;
  const answer = await ask(options, token, `/user/memberships/orgs/${encodeURIComponent(organization)}`);
  // Where the organisation has single sign-on, GitHub hides it from everybody without a running session there.
  const hint = `GitHub does not show you as an active member of ${organization}. If the organisation uses single sign-on, open ${options.webUrl}/orgs/${organization}/sso first, then sign in again; else ask its owners, who also have to have approved the app.`;
  if (answer.status === 403 || answer.status === 404) {
    throw new IssuerError("refused", `GitHub answered with ${answer.status} about the membership.`, hint);
  }
  const membership = read(MembershipAnswer, answer);
  if (membership.state !== "active" || membership.user.id !== userId) {
    throw new IssuerError("refused", "The membership is not active.", hint);
  }
}

function isAllowed(options: GitHubOptions, email: string): boolean {
  return options.allowedDomains.includes(email.slice(email.lastIndexOf("@") + 1).toLowerCase());
}

async function ask(options: GitHubOptions, token: string, path: string): Promise<JsonAnswer> {
  const answer = await fetchJson(options.fetch, `${options.apiUrl}${path}`, {
    method: "GET",
    headers: { ...apiHeaders, Authorization: `Bearer ${token}` },
  });
  const isRateLimited =
    answer.status === 429 || (answer.status === 403 && answer.header("x-ratelimit-remaining") === "0");
  if (isRateLimited) throw new IssuerError("unavailable", "GitHub asks us to slow down.");
  return answer;
}

function read<T extends z.ZodMiniType>(schema: T, answer: JsonAnswer): z.infer<T> {
  const parsed = schema.safeParse(answer.body);
  if (answer.status === 200 && parsed.success) return parsed.data;
  throw new IssuerError("refused", `GitHub answered with ${answer.status} and not as it should.`);
}

/** Best effort: the token lives 8 hours at most, and a sign-in does not fail because it could not be thrown away. */
async function revoke(options: GitHubOptions, token: string): Promise<void> {
  try {
    await fetchJson(options.fetch, `${options.apiUrl}/applications/${encodeURIComponent(options.clientId)}/token`, {
      method: "DELETE",
      headers: {
        ...apiHeaders,
        "Content-Type": "application/json",
        Authorization: `Basic ${btoa(`${options.clientId}:${options.clientSecret}`)}`,
      },
      body: JSON.stringify({ access_token: token }),
    });
  } catch (error) {
    if (!(error instanceof IssuerError)) throw error;
  }
}

const apiHeaders = {
  Accept: "application/vnd.github+json",
  "X-GitHub-Api-Version": "2022-11-28",
  "User-Agent": "openrouter-keys",
};
