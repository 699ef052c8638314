import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

import { createAccount, liveKey, liveKeys } from "./account.ts";
import { messages, refusal } from "./answers.ts";
import { createClock } from "./clock.ts";
import type { StandInEnv } from "./context.ts";
import { controlRoutes } from "./control-routes.ts";
import { createFaultRules } from "./fault-rules.ts";
import type { FaultRule, RuleInForce } from "./fault-rules.ts";
import { faultMiddleware } from "./faults.ts";
import { guardrailRoutes } from "./guardrails.ts";
import { inferenceRoutes } from "./inference-routes.ts";
import { keyObject } from "./key-object.ts";
import type { KeyObject } from "./key-object.ts";
import { keyRoutes } from "./key-routes.ts";
import { createKnobBoard } from "./knobs.ts";
import type { KnobChanges, Knobs } from "./knobs.ts";
import { modelRoutes } from "./models.ts";
import { ownKeyRoutes } from "./own-key-routes.ts";
import { callLimit, unknownFields } from "./quirks.ts";
import { createRecorder } from "./recorder.ts";
import type { RecordedRequest } from "./recorder.ts";
import { newWorkspace, workspaceRoutes } from "./workspaces.ts";

/** OpenRouter on loopback: real keys, limits, windows and spend, no account and no money. */
export interface OpenRouterStandIn {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Base URL for the management API and OpenAI-like tools: `${origin}/api/v1` */
  readonly apiUrl: string;
  /** Base URL for Anthropic's tools, which add `/v1/messages`: `${origin}/api` */
  readonly anthropicUrl: string;
  readonly managementKey: string;
  /** The keys that exist, newest first, of all workspaces, the disabled and expired included; spend without lag. */
  readonly keys: () => readonly KeyObject[];
  /** Every request that came in, oldest first; the array grows in place. */
  readonly requests: readonly RecordedRequest[];
  readonly clearRequests: () => void;
  readonly faults: FaultSwitches;
  /** A date holds the stand-in's clock still there; a function replaces it. */
  readonly setClock: (clock: Date | (() => Date)) => void;
  readonly advance: (ms: number) => void;
  /** Charges a key, at `at` or the clock's now. Throws for a key that does not exist. */
  readonly spend: (hash: string, usd: number, at?: Date) => void;
  /** Breaks open connections and ends. May be called twice. */
  readonly stop: () => Promise<void>;
}

/** What goes wrong: rules for single requests, and standing knobs. */
export interface FaultSwitches {
  /** Throws on a rule that is not one. */
  readonly add: (rule: FaultRule) => void;
  /** Takes all rules away. */
  readonly clear: () => void;
  /** The rules in force, and how often each has fired. */
  readonly rules: () => readonly RuleInForce[];
  readonly knobs: () => Knobs;
  /** Throws on a value out of range. */
  readonly turn: (changes: KnobChanges) => void;
  /** No rules, knobs as at the start. */
  readonly reset: () => void;
}

export interface StandInOptions {
  /** 0 or absent: any free one. */
  readonly port?: number;
  readonly managementKey?: string;
  readonly clock?: () => Date;
  readonly pageSize?: number;
}

export async function startOpenRouter(options: StandInOptions = {}): Promise<OpenRouterStandIn> {
  const managementKey = options.managementKey ?? randomBytes(32).toString("hex");
  const clock = createClock(options.clock ?? (() => new Date()));
  const knobs = createKnobBoard(options.pageSize === undefined ? {} : { pageSize: options.pageSize });
  const defaultWorkspace = newWorkspace({ name: "Default", slug: "default", description: null }, clock.now());
  const account = createAccount({ clock, knobs, managementKey, defaultWorkspace });
  const recorder = createRecorder(account);

  const rules = createFaultRules();

  const app = new Hono<StandInEnv>({ strict: false });
  app.route("/stand-in", controlRoutes(account, recorder, rules));
  app.use(recorder.middleware, faultMiddleware(rules), callLimit(account), unknownFields(account));
  app.route("/api/v1/keys", keyRoutes(account));
  app.route("/api/v1/workspaces", workspaceRoutes(account));
  app.route("/api/v1/guardrails", guardrailRoutes(account));
  app.route("/api/v1/models", modelRoutes(account));
  app.route("/api/v1", ownKeyRoutes(account));
  app.route("/api/v1", inferenceRoutes(account));
  app.notFound((c) => refusal(c.req.path, 404, messages.notFound));

  const server = createServer(getRequestListener(app.fetch));
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("Could not listen on a port"));
      else resolve(address.port);
    });
  });

  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    apiUrl: `${origin}/api/v1`,
    anthropicUrl: `${origin}/api`,
    managementKey,
    keys: () => liveKeys(account).map((key) => keyObject(account, key, clock.now())),
    requests: recorder.requests,
    clearRequests: recorder.clear,
    faults: {
      add: rules.add,
      clear: rules.clear,
      rules: rules.list,
      knobs: knobs.read,
      turn: knobs.turn,
      reset() {
        rules.clear();
        knobs.reset();
      },
    },
    setClock: clock.set,
    advance: clock.advance,
    spend(hash, usd, at = clock.now()) {
      if (liveKey(account, hash) === undefined) throw new Error(`Could not spend: no key ${hash}`);
      account.ledger.record(hash, { at, usd, isByok: false });
    },
    async stop() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
