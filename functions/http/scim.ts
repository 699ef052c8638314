import type { Context } from "hono";
import { Hono } from "hono/tiny";
import type { ContentfulStatusCode } from "hono/utils/http-status";

import { problemStatuses } from "../contract/problem.ts";
import { readPage, readQuery } from "../policy/scim-query.ts";
import { ScimFault } from "../policy/scim-user.ts";
import { addScimUser, deactivateScimUser, patchScimUser, replaceScimUser } from "../services/change-scim-user.ts";
import type { ScimDeps } from "../services/change-scim-user.ts";
import { ServiceError } from "../services/errors.ts";
import { carriesToken } from "./bearer.ts";
import type { HttpEnv } from "./env.ts";
import {
  errorDocument,
  listDocument,
  resourceTypes,
  schemas,
  serviceProviderConfig,
  userDocument,
} from "./scim-documents.ts";

export interface ScimOptions {
  /** SCIM_TOKEN, and the one before while providers change over; without one everything is refused. */
  readonly tokens: readonly string[];
  /** The routes' own address as providers see it, without a slash at its end. */
  readonly base: string;
  /** What becomes of an error that is no ScimFault; see problems.ts. */
  readonly asServiceError: (error: unknown) => ServiceError;
}

const shortestToken = 32;
/** Of one process. Entra sends at most 1,500 a minute, Okta fewer; a runaway provider is slowed, not locked out. */
const mostAMinute = 3_000;

/**
 * SCIM 2.0 for identity providers, under `/scim/v2`. Promises: nothing is read or done before the token is compared, in
 * a time that does not depend on it; without a token of 32 characters everybody is refused; who was deactivated stays
 * readable; no answer repeats what was sent in a fault.
 */
export function scimRoutes(deps: ScimDeps, options: ScimOptions) {
  const { base } = options;
  const tokens = options.tokens.filter((token) => token.length >= shortestToken);
  let windowStart = 0;
  let count = 0;

  const routes = new Hono<HttpEnv>()
    .use(async (context, next) => {
      if (!(await carriesToken(context, tokens))) {
        context.header("WWW-Authenticate", "Bearer");
        return refuse(context, 401, "The bearer token is missing or not the one set here.");
      }
      const now = deps.clock();
      if (now - windowStart >= 60_000 || now < windowStart) [windowStart, count] = [now, 0];
      count += 1;
      if (count > mostAMinute) {
        context.header("Retry-After", String(Math.ceil((windowStart + 60_000 - now) / 1_000)));
        return refuse(context, 429, "Too many requests. Try again in a minute.");
      }
      return next();
    })
    .get("/ServiceProviderConfig", (context) => answer(context, serviceProviderConfig(base)))
    .get("/ResourceTypes", (context) => answer(context, whole(resourceTypes(base))))
    .get("/ResourceTypes/:id", (context) => one(context, resourceTypes(base), context.req.param("id")))
    .get("/Schemas", (context) => answer(context, whole(schemas(base))))
    .get("/Schemas/:id", (context) => one(context, schemas(base), context.req.param("id")))
    // Groups are of no use here; a provider that looks for them finds none.
    .get("/Groups", (context) => answer(context, listDocument([], 1, 0)))
    .get("/Users", async (context) => {
      const { filter, startIndex, count: size } = context.req.query();
      const page = readPage(startIndex, size);
      const { total, records } = await deps.store.list(readQuery(filter), page);
      const users = records.map((record) => userDocument(record, base));
      return answer(context, listDocument(users, page.startIndex, total));
    })
    .get("/Users/:id", async (context) => {
      const record = await deps.store.find(readId(context.req.param("id")));
      if (record === undefined) throw noSuchUser();
      return answer(context, userDocument(record, base));
    })
    .post("/Users", async (context) => {
      const record = await addScimUser(deps, await readBody(context));
      context.header("Location", `${base}/Users/${record.id}`);
      return answer(context, userDocument(record, base), 201);
    })
    .put("/Users/:id", async (context) => {
      const id = readId(context.req.param("id"));
      return answer(context, userDocument(await replaceScimUser(deps, id, await readBody(context)), base));
    })
    .patch("/Users/:id", async (context) => {
      const id = readId(context.req.param("id"));
      return answer(context, userDocument(await patchScimUser(deps, id, await readBody(context)), base));
    })
    .delete("/Users/:id", async (context) => {
      const id = readId(context.req.param("id"));
      await deactivateScimUser(deps, id);
      return context.body(null, 204);
    })
    .all("/Groups", (context) => refuse(context, 501, "Groups are not kept here."))
    .all("*", (context) => refuse(context, 404, "There is nothing at this address."));

  routes.onError((error, context) => {
    if (error instanceof ScimFault) {
      return refuse(context, error.scimType === "uniqueness" ? 409 : 400, error.message, error.scimType);
    }
    const problem = options.asServiceError(error);
    context.set("code", problem.code);
    if (problem.retryAfter !== undefined) context.header("Retry-After", String(problem.retryAfter));
    return refuse(context, problemStatuses[problem.code], problem.message);
  });
  return routes;
}

type ScimContext = Context<HttpEnv>;

function answer(context: ScimContext, document: unknown, status: ContentfulStatusCode = 200): Response {
  context.header("Content-Type", "application/scim+json; charset=utf-8");
  return context.body(JSON.stringify(document), status);
}

function refuse(context: ScimContext, status: ContentfulStatusCode, detail: string, scimType?: string): Response {
  return answer(context, errorDocument(status, detail, scimType), status);
}

function noSuchUser(): ServiceError {
  return new ServiceError("not_found", "There is no such user.");
}

function whole(resources: readonly unknown[]) {
  return listDocument(resources, 1, resources.length);
}

function one(context: ScimContext, resources: readonly { readonly id: string }[], id: string): Response {
  const found = resources.find((resource) => resource.id.toLowerCase() === id.toLowerCase());
  return found === undefined ? refuse(context, 404, "There is nothing of this name.") : answer(context, found);
}

async function readBody(context: ScimContext): Promise<unknown> {
  try {
    return JSON.parse(await context.req.text());
  } catch {
    throw new ScimFault("invalidSyntax", "The body is not JSON.");
  }
}

/** Ids are UUIDs; anything else is nobody's and must not reach the database. */
function readId(text: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw noSuchUser();
  return text.toLowerCase();
}
