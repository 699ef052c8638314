import { generateKeyPairSync } from "node:crypto";

import { Hono } from "hono";
import { importSPKI, jwtVerify } from "jose";

import type { DirectoryEnv, WireFault } from "./serve.ts";
import { breakWire, serve } from "./serve.ts";

export interface GoogleUser {
  readonly id: string;
  readonly primaryEmail: string;
  readonly aliases?: readonly string[];
  readonly suspended?: boolean;
  readonly archived?: boolean;
  /** Deleted within the last 20 days: found by no get, only in the list of the deleted. */
  readonly deletionTime?: string;
}

/** What is wrong with Google today. */
export interface GoogleFaults {
  /** Asking for one user: what happens, to whom (everybody by default), and how many times (for ever by default). */
  get?: {
    readonly fault: WireFault | "not-found" | "not-authorized" | "rate-limited" | "no-such-domain" | "no-flags";
    readonly of?: (id: string) => boolean;
    times?: number;
  };
  /** Asking for one user: what is answered in place of the truth; undefined: the truth. */
  answer?: (id: string) => { readonly status: number; readonly body: unknown } | undefined;
  list?: WireFault | "not-authorized" | "empty-pages" | "same-page" | "same-token";
  token?: WireFault | "refuses";
  /** The impersonated administrator has left. */
  isAdminGone?: boolean;
}

export interface GoogleStandIn {
  readonly origin: string;
  /** As in GOOGLE_DIRECTORY_URL, with the path. */
  readonly url: string;
  /** As in GOOGLE_SA_KEY_JSON. */
  readonly serviceAccountKey: {
    readonly type: "service_account";
    readonly client_email: string;
    readonly private_key: string;
    readonly private_key_id: string;
    readonly token_uri: string;
  };
  readonly users: Map<string, GoogleUser>;
  readonly faults: GoogleFaults;
  /** "token", "list", or "get <key>", oldest first. */
  readonly calls: string[];
  /** What assertions claimed, oldest first. */
  readonly assertions: Readonly<Record<string, unknown>>[];
  readonly expireTokens: () => void;
  readonly stop: () => Promise<void>;
}

const scope = "https://www.googleapis.com/auth/admin.directory.user.readonly";
/** One for the whole process: making it takes longer than a test. */
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const googleAdmin = "admin@example.com";

/**
 * Google's token endpoint and Directory API on loopback. `hasRole`: the service account needs no impersonation. `clock`:
 * the time by which assertions are judged.
 */
export async function startGoogle(
  options: { readonly hasRole?: boolean; readonly clock?: () => Date } = {},
): Promise<GoogleStandIn> {
  const publicKey = await importSPKI(keys.publicKey.export({ type: "spki", format: "pem" }).toString(), "RS256");
  const users = new Map<string, GoogleUser>();
  const faults: GoogleFaults = {};
  const calls: string[] = [];
  const assertions: Record<string, unknown>[] = [];
  const tokens = new Set<string>();
  const clientEmail = "directory@project.iam.gserviceaccount.example";

  const app = new Hono<DirectoryEnv>();
  app.all("/elsewhere", (context) => {
    calls.push("elsewhere");
    return context.json({});
  });
  app.post("/token", async (context) => {
    calls.push("token");
    if (faults.token === "refuses") return context.json({ error: "invalid_grant" }, 400);
    if (faults.token !== undefined) return breakWire(context, faults.token);
    const form = await context.req.parseBody();
    if (form["grant_type"] !== "urn:ietf:params:oauth:grant-type:jwt-bearer") {
      return context.json({ error: "unsupported_grant_type" }, 400);
    }
    const assertion = typeof form["assertion"] === "string" ? form["assertion"] : "";
    const verified = await jwtVerify(assertion, publicKey, {
      algorithms: ["RS256"],
      issuer: clientEmail,
      audience: new URL("/token", context.req.url).href,
      requiredClaims: ["exp", "iat"],
      ...(options.clock === undefined ? {} : { currentDate: options.clock() }),
    }).catch(() => undefined);
    if (verified === undefined) return context.json({ error: "invalid_grant" }, 400);
    const { payload } = verified;
    assertions.push(payload);
    if (payload["scope"] !== scope) return context.json({ error: "invalid_scope" }, 400);
    const isAdmin = payload.sub === googleAdmin && faults.isAdminGone !== true;
    if (payload.sub === undefined ? options.hasRole !== true : !isAdmin) {
      return context.json({ error: "invalid_grant", error_description: "Invalid email or User ID" }, 400);
    }
    const token = `ya29.${crypto.randomUUID()}`;
    tokens.add(token);
    return context.json({ access_token: token, expires_in: 3_599, token_type: "Bearer" });
  });

  app.use("/admin/*", async (context, next) => {
    const bearer = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1] ?? "";
    if (!tokens.has(bearer)) return refusal(401, "authError", "Invalid Credentials");
    return next();
  });

  app.get("/admin/directory/v1/users", async (context) => {
    calls.push("list");
    const query = context.req.query();
    if (faults.list === "not-authorized") return notAuthorized();
    if (faults.list === "empty-pages") {
      return context.json({ kind: "admin#directory#users", nextPageToken: crypto.randomUUID() });
    }
    const isLoop = faults.list === "same-page" || faults.list === "same-token";
    if (faults.list !== undefined && faults.list !== "same-page" && faults.list !== "same-token") {
      return breakWire(context, faults.list);
    }
    if (query["customer"] !== "my_customer" && query["customer"] !== "C0example") {
      return refusal(400, "badRequest", "Bad Request");
    }
    const wantsDeleted = query["showDeleted"] === "true";
    const all = [...users.values()].filter((user) => (user.deletionTime !== undefined) === wantsDeleted);
    const size = Math.min(Number(query["maxResults"] ?? 100), 500);
    const from = isLoop ? 0 : Number(query["pageToken"] ?? 0);
    const page = all.slice(from, from + size).map(userObject);
    const next = isLoop ? (faults.list === "same-token" ? "1" : crypto.randomUUID()) : String(from + size);
    const hasMore = isLoop || from + size < all.length;
    return context.json(
      mask(
        { kind: "admin#directory#users", users: page, ...(hasMore ? { nextPageToken: next } : {}) },
        query["fields"],
      ),
    );
  });

  app.get("/admin/directory/v1/users/:key", async (context) => {
    const key = context.req.param("key");
    calls.push(`get ${key}`);
    const rule = faults.get;
    if (rule !== undefined && (rule.of?.(key) ?? true) && (rule.times ?? 1) > 0) {
      if (rule.times !== undefined) rule.times -= 1;
      switch (rule.fault) {
        case "not-found":
          return noSuchUser();
        case "not-authorized":
          return notAuthorized();
        case "no-such-domain":
          return refusal(404, "notFound", "Domain not found.");
        case "rate-limited":
          return refusal(403, "userRateLimitExceeded", "Quota exceeded");
        case "no-flags":
          return context.json({ kind: "admin#directory#user", id: key });
        default:
          return breakWire(context, rule.fault);
      }
    }
    const odd = faults.answer?.(key);
    if (odd !== undefined) return Response.json(odd.body, { status: odd.status });
    const user = [...users.values()].find(
      ({ id, primaryEmail, aliases }) => id === key || primaryEmail === key || aliases?.includes(key) === true,
    );
    if (user === undefined || user.deletionTime !== undefined) return noSuchUser();
    return context.json(mask(userObject(user), context.req.query("fields")));
  });

  const { origin, stop } = await serve(app);
  return {
    origin,
    url: `${origin}/admin/directory/v1`,
    serviceAccountKey: {
      type: "service_account",
      client_email: clientEmail,
      private_key: keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
      private_key_id: "key-1",
      token_uri: `${origin}/token`,
    },
    users,
    faults,
    calls,
    assertions,
    expireTokens: () => tokens.clear(),
    stop,
  };
}

function userObject(user: GoogleUser): Readonly<Record<string, unknown>> {
  return {
    kind: "admin#directory#user",
    customerId: "C0example",
    suspended: false,
    archived: false,
    ...user,
  };
}

function refusal(status: number, reason: string, message: string): Response {
  return Response.json(
    { error: { code: status, message, errors: [{ domain: "global", reason, message }] } },
    { status },
  );
}

function noSuchUser(): Response {
  return refusal(404, "notFound", "Resource Not Found: userKey");
}

function notAuthorized(): Response {
  return refusal(403, "forbidden", "Not Authorized to access this resource/api");
}

/** Google's `fields`: names, and names with those inside in brackets. */
function mask(value: Readonly<Record<string, unknown>>, fields: string | undefined): Record<string, unknown> {
  if (fields === undefined) return { ...value };
  const kept: Record<string, unknown> = {};
  for (const [, name, inner] of fields.matchAll(/([A-Za-z]+)(?:\(([^)]*)\))?/g)) {
    if (name === undefined || !(name in value)) continue;
    const each = value[name];
    kept[name] =
      inner !== undefined && Array.isArray(each)
        ? each.map((entry: Record<string, unknown>) => mask(entry, inner))
        : each;
  }
  return kept;
}
