import assert from "node:assert/strict";
import type { Server } from "node:http";
import { createServer } from "node:http";

import { CreateKeyAnswer } from "../../../functions/contract/keys.ts";
import { SettingsError, readSettings } from "../../../functions/settings.ts";
import type { Collector, CollectedSpan } from "../../support/collector.ts";
import { startCollector } from "../../support/collector.ts";
import { copyTemplate } from "../../support/databases.ts";
import type { FunctionProcess } from "../../support/function-process.ts";
import { bundleFunction, startFunctionProcess } from "../../support/function-process.ts";
import { call, createKit, getCode } from "../../support/function.ts";
import type { Issuer } from "../../support/issuer/issuer.ts";
import { startIssuer } from "../../support/issuer/issuer.ts";
import type { OpenRouterStandIn } from "../../support/openrouter/stand-in.ts";
import { startOpenRouter } from "../../support/openrouter/stand-in.ts";

const setting = "OTEL_EXPORTER_OTLP_ENDPOINT";

describe("where a collector is", () => {
  const needed = {
    OPENROUTER_MANAGEMENT_KEY: "key",
    OIDC_ISSUER: "https://issuer.example.com",
    OIDC_CLIENT_ID: "id",
    OIDC_CLIENT_SECRET: "secret",
    ALLOWED_DOMAINS: "example.com",
  };

  it("is an http or https address and nothing else, and a name nearly right is noticed", () => {
    const told = (environment: Readonly<Record<string, string>>) => {
      try {
        return readSettings({ ...needed, ...environment }).telemetryEndpoint;
      } catch (error) {
        if (!(error instanceof SettingsError)) throw error;
        return error.faults.map((fault) => fault.split(" ").slice(0, 4).join(" "));
      }
    };
    assert.deepStrictEqual(
      [
        told({}),
        told({ [setting]: "http://collector:4318/" }),
        told({ [setting]: "https://otlp.example.com/otlp" }),
        told({ [setting]: "https://user:planted@otlp.example.com" }),
        told({ [setting]: "collector:4318" }),
        told({ OTEL_EXPORTER_OTLP_ENDPOIN: "http://collector:4318" }),
      ],
      [
        undefined,
        "http://collector:4318",
        "https://otlp.example.com/otlp",
        [`${setting} must be an`],
        [`${setting} must be an`],
        ["OTEL_EXPORTER_OTLP_ENDPOIN is not a"],
      ],
    );
  });
});

describe("what a collector is told", function () {
  this.timeout(120_000);
  let openRouter: OpenRouterStandIn;
  let issuer: Issuer;
  let door: Door;
  let running: FunctionProcess | undefined;

  before(async () => {
    openRouter = await startOpenRouter({ managementKey: "planted-management-key" });
    issuer = await startIssuer({ redirectUris: [] });
    door = await openDoor(openRouter.origin);
  });

  afterEach(async () => {
    await running?.kill();
    running = undefined;
  });

  after(async () => {
    await Promise.all([openRouter.stop(), issuer.stop(), close(door.server)]);
  });

  async function start(environment: Readonly<Record<string, string>>, program?: string): Promise<FunctionProcess> {
    const settings = {
      PORT: "0",
      DATABASE_URL: await copyTemplate(),
      OPENROUTER_MANAGEMENT_KEY: openRouter.managementKey,
      OPENROUTER_BASE_URL: `${door.url}/api/v1`,
      OIDC_ISSUER: issuer.url,
      OIDC_CLIENT_ID: issuer.clientId,
      OIDC_CLIENT_SECRET: issuer.clientSecret,
      ALLOWED_DOMAINS: "example.com",
      ...environment,
    };
    running = await startFunctionProcess(settings, program ?? (await bundleFunction()).server);
    issuer.setRedirectUris([`${running.url}/v1/auth/callback`]);
    return running;
  }

  it("is a trace of each request with its parts, measures, and nothing of people, ids or secrets", async () => {
    const collector = await startCollector();
    try {
      const { url, terminate } = await start({ [setting]: `${collector.url}/` });
      const planted = await work(url);
      const code = await terminate();
      const trace = traceOf(collector, "POST /v1/keys");
      assert.deepStrictEqual(
        {
          code,
          root: [trace.root.kind, trace.root.parentSpanId, trace.root.attributes],
          parts: trace.parts.map(({ name, kind }) => [name, kind]),
          upstream: trace.parts.find(({ name }) => name === "POST /keys")?.attributes,
          strays: trace.parts.filter((part) => part.traceId !== trace.root.traceId || !isWithin(part, trace.root)),
          deletion: traceOf(collector, "DELETE /v1/keys/:id").parts.map(({ name }) => name),
          unknown: collector.spans.some(({ name }) => name.includes("planted")),
          made: collector.metrics.get("openrouter_keys.keys.created"),
          measured: ["http.server.request.duration", "http.client.request.duration"].filter(
            (name) => (collector.metrics.get(name) ?? 0) > 0,
          ),
          leaked: planted.filter((text) => collector.text().includes(text)),
          forwarded: [...door.headers].filter((name) => /^(?:traceparent|tracestate|baggage)$/.test(name)),
        },
        {
          code: 0,
          root: [
            2,
            undefined,
            { "http.request.method": "POST", "http.route": "/v1/keys", "http.response.status_code": 201 },
          ],
          parts: [
            ["accounts.findSession", 3],
            ["accounts.findSession", 3],
            ["keys.confirm", 3],
            ["keys.deployment", 3],
            ["keys.reserve", 3],
            ["POST /keys", 3],
            ["rates.count", 3],
          ],
          upstream: { "http.request.method": "POST", "url.template": "/keys", "http.response.status_code": 201 },
          strays: [],
          deletion: [
            "accounts.findSession",
            "DELETE /keys/{hash}",
            "GET /keys/{hash}",
            "keys.end",
            "keys.lookAgain",
            "keys.ownedKey",
            "keys.saveSpend",
            "rates.count",
          ],
          unknown: false,
          made: 1,
          measured: ["http.server.request.duration", "http.client.request.duration"],
          leaked: [],
          forwarded: [],
        },
      );
    } finally {
      await collector.stop();
    }
  });

  it("costs nothing where no collector is named: nothing of OpenTelemetry is loaded", async () => {
    const loaded: Record<string, boolean> = {};
    for (const [name, environment] of Object.entries({ named: { [setting]: "http://127.0.0.1:9" }, none: {} })) {
      // Of the sources, whose modules can be told apart.
      const traced = { ...environment, NODE_OPTIONS: "--import=./test/support/trace-modules.ts" };
      const { url, terminate, output } = await start(traced, "functions/targets/node.ts");
      await work(url);
      await terminate();
      assert.match(output(), /^loaded hono\//m);
      loaded[name] = output().includes("loaded @opentelemetry/");
    }
    assert.deepStrictEqual(loaded, { named: true, none: false });
  });

  for (const fault of ["is away", "never answers"] as const) {
    it(`holds nothing up and says nothing when the collector ${fault}`, async () => {
      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const address = `http://127.0.0.1:${portOf(silent)}`;
      if (fault === "is away") await close(silent);
      try {
        const { url, terminate, output } = await start({
          [setting]: address,
          OTEL_EXPORTER_OTLP_HEADERS: "authorization=planted-collector-token",
        });
        const planted = await work(url);
        const code = await terminate();
        const others = output()
          .split("\n")
          .filter((line) => line !== "" && !line.startsWith("listening on ") && !line.startsWith('{"time":'));
        assert.deepStrictEqual(
          [code, others, [...planted, "planted-collector-token"].filter((text) => output().includes(text))],
          [0, [], []],
        );
      } finally {
        if (fault === "never answers") await close(silent);
      }
    });
  }

  /** Signs in, makes a key, and deletes it. Returns what must be nowhere. */
  async function work(url: string): Promise<readonly string[]> {
    const { code, verifier } = await getCode(url, "ada@example.com");
    const signedIn = await call(url, "POST", "/v1/auth/token", { body: { code, codeVerifier: verifier } });
    const token = String(Object(signedIn.body).sessionToken);
    const headers = { Authorization: `Bearer ${token}`, traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01` };
    const kit = await createKit();
    const made = await call(url, "POST", "/v1/keys?planted=query", {
      body: { name: "planted name", recipient: kit.recipient },
      headers: { ...headers, ...kit.headers },
    });
    const { key, sealedSecret } = CreateKeyAnswer.parse(made.body);
    const hashes = openRouter.keys().map(({ hash }) => hash);
    const deleted = await call(url, "DELETE", `/v1/keys/${key.id}`, { headers });
    const nowhere = await call(url, "GET", "/planted/path", { headers });
    assert.deepStrictEqual([made.status, deleted.status, nowhere.status], [201, 204, 404]);
    return [
      "planted",
      "ada@",
      "ab".repeat(16),
      code,
      verifier,
      token,
      key.id,
      kit.idempotencyKey,
      sealedSecret ?? "",
      await kit.open(sealedSecret ?? ""),
      issuer.clientSecret,
      ...hashes,
    ];
  }
});

interface Trace {
  readonly root: CollectedSpan;
  /** By name. */
  readonly parts: readonly CollectedSpan[];
}

function traceOf(collector: Collector, name: string): Trace {
  const root = collector.spans.find((span) => span.name === name);
  if (root === undefined) throw new Error(`No ${name} among ${collector.spans.map((span) => span.name).join(", ")}.`);
  const parts = collector.spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
  return { root, parts: parts.sort((left, right) => left.name.localeCompare(right.name)) };
}

/** The SDK rounds each time by itself, so ends may be off by a little. */
function isWithin(part: CollectedSpan, whole: CollectedSpan): boolean {
  const slack = 2_000_000n;
  return part.start >= whole.start - slack && part.end <= whole.end + slack && part.end >= part.start;
}

/** A way to OpenRouter's stand-in that notes which headers come through. */
interface Door {
  readonly url: string;
  readonly headers: ReadonlySet<string>;
  readonly server: Server;
}

async function openDoor(origin: string): Promise<Door> {
  const headers = new Set<string>();
  const server = createServer((request, response) => {
    let body = "";
    for (const name of Object.keys(request.headers)) headers.add(name);
    request.on("data", (data: Buffer) => (body += data.toString()));
    request.on("end", () => {
      void pass(body);
    });
    /** Never rejects: a failure is an answer. */
    async function pass(body: string): Promise<void> {
      try {
        const answer = await fetch(`${origin}${request.url ?? ""}`, {
          method: request.method ?? "GET",
          headers: { authorization: request.headers.authorization ?? "", "content-type": "application/json" },
          ...(body === "" ? {} : { body }),
        });
        response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
      } catch {
        response.writeHead(502).end();
      }
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${portOf(server)}`, headers, server };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server got no port.");
  return address.port;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
