import assert from "node:assert/strict";

import * as oauth from "oauth4webapi";

import { cancelSignIn, createBrowser, signInAs, SignInStopped } from "./browserless.ts";
import { startIssuer } from "./issuer.ts";
import type { Issuer, IssuerOptions } from "./issuer.ts";
import { claimsOf } from "./people.ts";
import { readForm, readText } from "./read-form.ts";

const redirectUri = "http://127.0.0.1:8787/v1/auth/callback";
const overHttp = { [oauth.allowInsecureRequests]: true };

interface Attempt {
  readonly server: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly url: URL;
  readonly verifier: string;
  readonly nonce: string;
  readonly state: string;
}

/** What a client does before it sends the browser away; `extra` adds to or replaces what it asks. */
async function begin(issuer: Issuer, extra: Readonly<Record<string, string>> = {}): Promise<Attempt> {
  const identifier = new URL(issuer.url);
  const server = await oauth.processDiscoveryResponse(
    identifier,
    await oauth.discoveryRequest(identifier, { ...overHttp }),
  );
  const verifier = oauth.generateRandomCodeVerifier();
  const nonce = oauth.generateRandomNonce();
  const state = oauth.generateRandomState();
  assert.ok(server.authorization_endpoint);
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: issuer.clientId,
    response_type: "code",
    redirect_uri: redirectUri,
    scope: "openid email profile",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce,
    state,
    ...extra,
  }).toString();
  return {
    server,
    client: { client_id: issuer.clientId, id_token_signed_response_alg: "RS256" },
    url,
    verifier,
    nonce,
    state,
  };
}

/** What a client does when the browser is back: redeems the code and returns the verified ID token's claims. */
async function redeem(attempt: Attempt, redirect: URL, authentication: oauth.ClientAuth): Promise<oauth.IDToken> {
  const { server, client, verifier, nonce, state } = attempt;
  const parameters = oauth.validateAuthResponse(server, client, redirect, state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    authentication,
    parameters,
    redirectUri,
    verifier,
    { ...overHttp },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(server, answer, { ...overHttp });
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  assert.ok(claims);
  return claims;
}

describe("the stand-in issuer", () => {
  const running: Issuer[] = [];

  async function start(options: Partial<IssuerOptions> = {}): Promise<Issuer> {
    const issuer = await startIssuer({ redirectUris: [redirectUri], ...options });
    running.push(issuer);
    return issuer;
  }

  afterEach(async () => {
    for (const issuer of running.splice(0)) await issuer.stop();
  });

  it("signs everybody in with a code and tells the client who they are in the ID token", async () => {
    const issuer = await start();
    const before = Math.floor(Date.now() / 1000);
    const seen: unknown[] = [];

    for (const { email } of issuer.people) {
      const attempt = await begin(issuer);
      const redirect = await signInAs(attempt.url, email);
      const claims = await redeem(attempt, redirect, oauth.ClientSecretPost(issuer.clientSecret));
      const { iss, aud, nonce, iat, exp, auth_time: authTime = 0, at_hash: _atHash, ...person } = claims;
      assert.ok(authTime >= before && authTime <= iat && iat < exp);
      seen.push({ address: redirect.origin + redirect.pathname, iss, aud, nonce: nonce === attempt.nonce, person });
    }

    assert.deepStrictEqual(
      seen,
      issuer.people.map((person) => ({
        address: redirectUri,
        iss: issuer.url,
        aud: issuer.clientId,
        nonce: true,
        person: claimsOf(person),
      })),
    );
    assert.deepStrictEqual(
      issuer.people.map(({ email, hostedDomain }) => `${email} of ${hostedDomain}`),
      [
        "ada@example.com of example.com",
        "grace@example.com of example.com",
        "linus@example.com of example.com",
        "mallory@elsewhere.example of elsewhere.example",
      ],
    );
  });

  it("leaves out hd, name and groups for a consumer account that has none", async () => {
    const person = { subject: "300", email: "someone@example.com", emailVerified: false };
    const issuer = await start({ people: [person] });
    const attempt = await begin(issuer);
    const redirect = await signInAs(attempt.url, person.email);
    const claims = await redeem(attempt, redirect, oauth.ClientSecretPost(issuer.clientSecret));

    const { sub, email, email_verified: emailVerified, hd, name, groups } = claims;
    assert.deepStrictEqual(
      { sub, email, emailVerified, hd, name, groups },
      {
        sub: "300",
        email: "someone@example.com",
        emailVerified: false,
        hd: undefined,
        name: undefined,
        groups: undefined,
      },
    );
  });

  for (const [name, authenticate] of [
    ["in the body", oauth.ClientSecretPost],
    ["in the Authorization header", oauth.ClientSecretBasic],
  ] as const) {
    it(`accepts the client's secret ${name} and refuses another secret`, async () => {
      const issuer = await start({ clientId: "some client", clientSecret: "s3cret:with+signs" });
      const attempt = await begin(issuer);
      const redirect = await signInAs(attempt.url, "grace@example.com");

      await assert.rejects(redeem(attempt, redirect, authenticate("another")), { status: 401 });
      const claims = await redeem(attempt, redirect, authenticate("s3cret:with+signs"));
      assert.equal(claims["email"], "grace@example.com");
    });
  }

  it("refuses a code to whoever lacks the verifier, and a second time to whoever has it", async () => {
    const issuer = await start();
    const secret = oauth.ClientSecretPost(issuer.clientSecret);
    const attempt = await begin(issuer);
    const redirect = await signInAs(attempt.url, "ada@example.com");
    const wrong = { ...attempt, verifier: oauth.generateRandomCodeVerifier() };
    const refusal = { error: "invalid_grant" };
    await assert.rejects(redeem(wrong, redirect, secret), refusal);

    const second = await begin(issuer);
    const secondRedirect = await signInAs(second.url, "ada@example.com");
    await redeem(second, secondRedirect, secret);
    await assert.rejects(redeem(second, secondRedirect, secret), refusal);
  });

  for (const [name, extra] of [
    ["no challenge", { code_challenge: "", code_challenge_method: "" }],
    ["a plain challenge", { code_challenge_method: "plain" }],
  ] as const) {
    it(`refuses a request with ${name}, because PKCE with S256 is required`, async () => {
      const { url, state } = await begin(await start(), extra);
      const redirect = await signInAs(url, "ada@example.com");
      assert.deepStrictEqual(
        [redirect.searchParams.get("error"), redirect.searchParams.get("state"), redirect.searchParams.get("code")],
        ["invalid_request", state, null],
      );
    });
  }

  it("returns access_denied to the client when the person cancels", async () => {
    const issuer = await start();
    const { url, state } = await begin(issuer);
    const redirect = await cancelSignIn(url);
    assert.deepStrictEqual(Object.fromEntries(redirect.searchParams), {
      error: "access_denied",
      error_description: "The person cancelled.",
      iss: issuer.url,
      state,
    });
  });

  it("sends nobody to an address that is not among the client's, until it is", async () => {
    const issuer = await start();
    const elsewhere = "http://127.0.0.1:9999/v1/auth/callback";
    const { url } = await begin(issuer, { redirect_uri: elsewhere });
    await assert.rejects(signInAs(url, "ada@example.com"), (fault) => {
      assert.ok(fault instanceof SignInStopped);
      assert.equal(fault.status, 400);
      assert.match(fault.body, /redirect_uri/);
      return true;
    });

    issuer.setRedirectUris([elsewhere]);
    const redirect = await signInAs(url, "ada@example.com");
    assert.equal(redirect.origin + redirect.pathname, elsewhere);
  });

  it("shows a page whose every control has a name, with one button a person and one to cancel", async () => {
    const people = [{ subject: '"1"', email: "eve@example.com", emailVerified: true, name: "Eve <Admin> & Co" }];
    const issuer = await start({ people });
    const { url } = await begin(issuer);
    const browser = createBrowser();
    const first = await browser.request(url);
    const page = await browser.request(new URL(first.headers.get("location") ?? "", url));
    const html = await page.text();

    assert.deepStrictEqual(
      {
        status: page.status,
        type: page.headers.get("content-type"),
        buttons: readForm(html)?.buttons,
        controls: html.match(/<(a|button|input|select|textarea)\b/g)?.length,
        language: /<html lang="(.*?)">/.exec(html)?.[1],
        title: readText(/<title>(.*?)<\/title>/.exec(html)?.[1] ?? ""),
        headings: [...html.matchAll(/<h\d>(.*?)<\/h\d>/g)].map(([, text = ""]) => readText(text)),
        landmarks: html.match(/<main>/g)?.length,
        describesList: html.includes('<p id="who">') && html.includes('<ul aria-describedby="who">'),
        isDarkModeAware: html.includes("color-scheme: light dark") && html.includes("prefers-color-scheme: dark"),
        fetchesOrRunsSomething: /<script|<link|<img|url\(|@import|\bon\w+=|https?:/.test(html),
      },
      {
        status: 200,
        type: "text/html; charset=utf-8",
        buttons: [
          { name: "subject", value: '"1"', text: "Eve <Admin> & Co eve@example.com" },
          { name: "cancel", value: "yes", text: "Cancel" },
        ],
        controls: 2,
        language: "en",
        title: "Sign in to Example Company",
        headings: ["Sign in to Example Company"],
        landmarks: 1,
        describesList: true,
        isDarkModeAware: true,
        fetchesOrRunsSomething: false,
      },
    );
  });

  it("tells who opens a sign-in page of another browser to start again", async () => {
    const { url } = await begin(await start());
    const first = await createBrowser().request(url);
    const page = await createBrowser().request(new URL(first.headers.get("location") ?? "", url));
    assert.equal(page.status, 400);
    assert.match(readText(await page.text()), /Start again where you came from/);
  });

  it("asks the same browser again, unless it is told to remember who signed in", async () => {
    const outcomes: unknown[] = [];
    for (const remembersSignIn of [false, true]) {
      const issuer = await start({ remembersSignIn });
      const browser = createBrowser();
      await signInAs((await begin(issuer)).url, "ada@example.com", browser);

      for (const extra of [{}, { prompt: "select_account" }, { prompt: "login" }]) {
        const attempt = await begin(issuer, extra);
        const redirect = await signInAs(attempt.url, "linus@example.com", browser);
        const claims = await redeem(attempt, redirect, oauth.ClientSecretPost(issuer.clientSecret));
        outcomes.push(claims["email"]);
        if (claims["email"] === "linus@example.com") {
          await signInAs((await begin(issuer, { prompt: "login" })).url, "ada@example.com", browser);
        }
      }
    }
    const [ada, linus] = ["ada@example.com", "linus@example.com"] as const;
    assert.deepStrictEqual(outcomes, [linus, linus, linus, ada, linus, linus]);
  });

  it("lets two people sign in from two pages that stand open in one browser", async () => {
    const issuer = await start();
    const browser = createBrowser();
    const attempts = [await begin(issuer), await begin(issuer)];
    const pages = [];
    for (const { url } of attempts) {
      const first = await browser.request(url);
      pages.push(new URL(first.headers.get("location") ?? "", url));
    }

    const emails: unknown[] = [];
    for (const [index, email] of ["ada@example.com", "grace@example.com"].entries()) {
      const [attempt, page] = [attempts[index], pages[index]];
      assert.ok(attempt && page);
      const redirect = await signInAs(page, email, browser);
      const claims = await redeem(attempt, redirect, oauth.ClientSecretPost(issuer.clientSecret));
      emails.push(claims["email"]);
    }
    assert.deepStrictEqual(emails, ["ada@example.com", "grace@example.com"]);
  });

  it("prints nothing while it works", async () => {
    const printed: unknown[] = [];
    const { info, warn, error, log } = console;
    const record = (...words: unknown[]): void => void printed.push(words);
    Object.assign(console, { info: record, warn: record, error: record, log: record });
    try {
      const issuer = await start();
      const attempt = await begin(issuer);
      await redeem(
        attempt,
        await signInAs(attempt.url, "ada@example.com"),
        oauth.ClientSecretPost(issuer.clientSecret),
      );
      await assert.rejects(signInAs(new URL("/auth?client_id=nobody", issuer.url), "ada@example.com"), SignInStopped);
    } finally {
      Object.assign(console, { info, warn, error, log });
    }
    assert.deepStrictEqual(printed, []);
  });

  it("frees its port when stopped, also the second time", async () => {
    const issuer = await start();
    await issuer.stop();
    await issuer.stop();
    const successor = await start({ port: Number(new URL(issuer.url).port) });
    assert.equal(successor.url, issuer.url);
  });
});
