import { Hono } from "hono";
import * as z from "zod/mini";

import { newId } from "./account.ts";
import type { Account } from "./account.ts";
import { answer, messages, refusal } from "./answers.ts";
import { managementOnly } from "./auth.ts";
import { jsonBody } from "./context.ts";
import type { StandInEnv } from "./context.ts";
import { microsecondTime } from "./key-object.ts";

/** A workspace as the management API shows it. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly description: string | null;
  readonly created_by: string | null;
  readonly created_at: string;
  readonly updated_at: string | null;
  readonly default_guardrail_id: string;
  readonly default_text_model: string | null;
  readonly default_image_model: string | null;
  readonly default_provider_sort: string | null;
  readonly io_logging_api_key_ids: readonly number[] | null;
  readonly io_logging_sampling_rate: number;
  readonly is_data_discount_logging_enabled: boolean;
  readonly is_observability_broadcast_enabled: boolean;
  readonly is_observability_io_logging_enabled: boolean;
}

export function newWorkspace(wishes: { name: string; slug: string; description: string | null }, now: Date): Workspace {
  return {
    id: newId(),
    ...wishes,
    created_by: null,
    created_at: microsecondTime(now),
    updated_at: null,
    default_guardrail_id: newId(),
    default_text_model: null,
    default_image_model: null,
    default_provider_sort: null,
    io_logging_api_key_ids: null,
    io_logging_sampling_rate: 1,
    is_data_discount_logging_enabled: true,
    is_observability_broadcast_enabled: false,
    is_observability_io_logging_enabled: false,
  };
}

const CreateBody = z.object({
  name: z.string().check(z.minLength(1), z.maxLength(100)),
  slug: z.string().check(z.regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/), z.maxLength(50)),
  description: z.optional(z.nullable(z.string().check(z.maxLength(500)))),
});

/** GET and POST /workspaces, GET /workspaces/{id or slug}. */
export function workspaceRoutes(account: Account): Hono<StandInEnv> {
  const routes = new Hono<StandInEnv>({ strict: false });
  routes.use(managementOnly);

  routes.get("/", () => {
    const data = [...account.workspaces.values()];
    return answer(200, { data, total_count: data.length });
  });

  routes.post("/", (c) => {
    const parsed = CreateBody.safeParse(jsonBody(c));
    if (!parsed.success || findWorkspace(account, parsed.data.slug) !== undefined) {
      return refusal(c.req.path, 400, messages.badRequest);
    }
    const { name, slug, description } = parsed.data;
    const workspace = newWorkspace({ name, slug, description: description ?? null }, account.clock.now());
    account.workspaces.set(workspace.id, workspace);
    return answer(201, { data: workspace });
  });

  routes.get("/:ref", (c) => {
    const workspace = findWorkspace(account, c.req.param("ref"));
    return workspace === undefined ? refusal(c.req.path, 404, messages.notFound) : answer(200, { data: workspace });
  });

  return routes;
}

function findWorkspace(account: Account, ref: string): Workspace | undefined {
  return account.workspaces.get(ref) ?? [...account.workspaces.values()].find(({ slug }) => slug === ref);
}
