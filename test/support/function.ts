import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { compactDecrypt, exportJWK, generateKeyPair } from "jose";

import type { Stores } from "../../functions/adapters/postgres/stores.ts";
import { compose } from "../../functions/compose.ts";
import { TokenAnswer } from "../../functions/contract/account.ts";
import type { Recipient } from "../../functions/contract/keys.ts";
import { extensionId } from "../../functions/contract/paths.ts";
import type { RequestRecord } from "../../functions/http/env.ts";
import type { NightlySummary } from "../../functions/services/run-nightly.ts";
import type { Settled } from "../../functions/services/settle-due.ts";
import { readSettings } from "../../functions/settings.ts";
import { createBrowser, followSignIn } from "./issuer/browserless.ts";
import type { Issuer, IssuerOptions } from "./issuer/issuer.ts";
import { startIssuer } from "./issuer/issuer.ts";
import type { OpenRouterStandIn } from "./openrouter/stand-in.ts";
import { startOpenRouter } from "./openrouter/stand-in.ts";

/** The function in this process, on a loopback port, with its neighbours as stand-ins. */
export interface RunningFunction {
  readonly url: string;
  readonly openRouter: OpenRouterStandIn;
  readonly issuer: Issuer;
  /** One entry for each request that was answered. */
  readonly records: readonly RequestRecord[];
  /** Moves the clocks of the function, of the issuer and of OpenRouter alike. */
  readonly advance: (milliseconds: number) => void;
  /** Does what is due by the clock. */
  readonly settleDue: () => Promise<Settled>;
  /** The scheduled trigger, as its own schedule would run it. */
  readonly runNightly: (mostMs?: number) => Promise<NightlySummary>;
  /** Somebody who has signed in at another process of the same deployment. */
  readonly as: (caller: Caller) => Caller;
  /** Signs in through the issuer's page and returns who may call as that person. */
  readonly signIn: (email: string) => Promise<Caller>;
  readonly stop: () => Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined for an empty body. */
  readonly body: unknown;
}

export interface Caller {
  readonly token: string;
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Answer>;
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FunctionOptions {
  readonly stores: Stores;
  /** One that is running already, and goes on when this function stops. */
  readonly openRouter?: OpenRouterStandIn;
  /** Further settings; those that name something at OpenRouter are made there first. */
  readonly environment?: Settings | ((openRouter: OpenRouterStandIn) => Promise<Settings>);
  readonly issuer?: Partial<IssuerOptions>;
  /** Pauses between tries are cut short; no clock is moved by that. */
  readonly hurries?: boolean;
  /** Another one than what is shipped. */
  readonly compose?: typeof compose;
}

type Settings = Readonly<Record<string, string>>;

export async function startFunction(options: FunctionOptions): Promise<RunningFunction> {
  let skewed = 0;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The function got no port.");
  const url = `http://127.0.0.1:${address.port}`;
  const openRouter = options.openRouter ?? (await startOpenRouter());
  const issuer = await startIssuer({
    redirectUris: [`${url}/v1/auth/callback`],
    skew: () => skewed,
    ...options.issuer,
  });

  const records: RequestRecord[] = [];
  const goingOn: Promise<unknown>[] = [];
  const { environment } = options;
  const further = typeof environment === "function" ? await environment(openRouter) : environment;
  const settings = readSettings({
    PORT: String(address.port),
    OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
    OPENROUTER_BASE_URL: openRouter.apiUrl,
    OIDC_ISSUER: issuer.url,
    OIDC_CLIENT_ID: issuer.clientId,
    OIDC_CLIENT_SECRET: issuer.clientSecret,
    ALLOWED_DOMAINS: "example.com",
    ADMIN_EMAILS: "ada@example.com",
    ...further,
  });
  const { app, settleDue, runNightly } = (options.compose ?? compose)(settings, {
    stores: options.stores,
    fetch,
    clock: () => Date.now() + skewed,
    wait: async (milliseconds, signal) => {
      await delay(options.hurries === true ? Math.min(milliseconds, 20) : milliseconds, undefined, { signal });
    },
    record: (record) => records.push(record),
    addressOf: (context) => getConnInfo(context).remote.address ?? "unknown",
    afterAnswer: (work) => goingOn.push(work.catch(() => undefined)),
  });
  server.on("request", getRequestListener(app.fetch));

  return {
    url,
    openRouter,
    issuer,
    records,
    advance(milliseconds) {
      skewed += milliseconds;
      openRouter.advance(milliseconds);
    },
    settleDue: () => settleDue(AbortSignal.timeout(10_000)),
    runNightly: (mostMs = 30_000) => runNightly(AbortSignal.timeout(mostMs)),
    async signIn(email) {
      const { code, verifier } = await getCode(url, email);
      const token = TokenAnswer.parse(
        (await call(url, "POST", "/v1/auth/token", { body: { code, codeVerifier: verifier } })).body,
      ).sessionToken;
      return callerAt(url, token);
    },
    as: ({ token }) => callerAt(url, token),
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await Promise.all([closed, ...goingOn]);
      if (options.openRouter === undefined) await openRouter.stop();
      await issuer.stop();
    },
  };
}

function callerAt(url: string, token: string): Caller {
  return {
    token,
    call: (method, path, options = {}) =>
      call(url, method, path, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } }),
  };
}

export const desktopRedirect = `vscode://${extensionId}/auth`;

export interface StartParameters {
  readonly verifier: string;
  readonly url: string;
}

/** The address that an editor opens in the browser, and the verifier that it keeps. */
export function startParameters(
  functionUrl: string,
  redirect = desktopRedirect,
  state = "editor-state",
  more: Readonly<Record<string, string>> = {},
): StartParameters {
  const verifier = randomBytes(32).toString("base64url");
  const query = new URLSearchParams({
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    redirect_uri: redirect,
    state,
    ...more,
  });
  return { verifier, url: `${functionUrl}/v1/auth/start?${query.toString()}` };
}

export async function getCode(functionUrl: string, email: string): Promise<{ code: string; verifier: string }> {
  const { verifier, url } = startParameters(functionUrl);
  const end = await followSignIn(url, email, createBrowser());
  const code = end.searchParams.get("code");
  if (code === null) throw new Error(`The sign-in of ${email} ended without a code.`);
  return { code, verifier };
}

export async function call(
  functionUrl: string,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(`${functionUrl}${path}`, {
    method,
    redirect: "manual",
    headers: {
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...options.headers,
    },
    ...(options.body === undefined
      ? {}
      : { body: typeof options.body === "string" ? options.body : JSON.stringify(options.body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("Content-Type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text || undefined };
}

/** A person's half of a create: the key pair, the idempotency key and how to open what comes back. */
export interface CreateKit {
  readonly idempotencyKey: string;
  readonly recipient: Recipient;
  readonly headers: Readonly<Record<string, string>>;
  readonly open: (sealedSecret: string) => Promise<string>;
}

export async function createKit(): Promise<CreateKit> {
  const { publicKey, privateKey } = await generateKeyPair("ECDH-ES", { crv: "P-256", extractable: true });
  const { x = "", y = "" } = await exportJWK(publicKey);
  const idempotencyKey = randomUUID();
  return {
    idempotencyKey,
    recipient: { kty: "EC", crv: "P-256", x, y },
    headers: { "Idempotency-Key": idempotencyKey },
    open: async (sealedSecret) => {
      const { plaintext } = await compactDecrypt(sealedSecret, privateKey, {
        keyManagementAlgorithms: ["ECDH-ES"],
        contentEncryptionAlgorithms: ["A256GCM"],
      });
      return new TextDecoder().decode(plaintext);
    },
  };
}
