import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { openEditor } from "../host/open.ts";
import type { FunctionProcess } from "../support/function-process.ts";
import { startFunctionProcess } from "../support/function-process.ts";
import { buildExtension } from "./build.ts";
import { freePorts, takenPort } from "./free-ports.ts";
import { runHeadless } from "./headless.ts";
import type { Neighbours, Ports } from "./neighbours.ts";
import { startNeighbours } from "./neighbours.ts";

/** Fixed, so that a sign-in and the secrets of an earlier start are found again. */
const fixedPorts: Ports = { function: 8787, issuer: 8788, openRouter: 8789 };
const editorPort = 8790;

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Settings of the function that the person has given; everything else in the environment stays out of it. */
function givenSettings(): Readonly<Record<string, string>> {
  const names =
    /^(?:DATABASE_URL|DATA_DIR|OPENROUTER_(?:MANAGEMENT_KEY|BASE_URL)|OIDC_\w+|ENTRA_\w+|GITHUB_(?:APP_\w+|ORGANIZATION|URL|API_URL)|REQUIRE_EMAIL_VERIFIED|ALLOWED_DOMAINS|ADMIN_EMAILS|ADMIN_GROUP|PLANS|PLANS_FILE|SESSION_REDIRECTS)$/;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      names.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  );
}

async function startProduct(
  ports: Ports,
  defaults: Readonly<Record<string, string>>,
): Promise<{ neighbours: Neighbours; running: FunctionProcess }> {
  const given = givenSettings();
  const neighbours = await startNeighbours(given, ports);
  try {
    const running = await startFunctionProcess({
      PORT: String(ports.function),
      ...defaults,
      ...neighbours.settings,
      ...given,
    });
    return { neighbours, running };
  } catch (error) {
    await neighbours.stop();
    throw error;
  }
}

async function headless(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-"));
  try {
    const [functionPort = 0, issuer = 0, openRouter = 0] = await freePorts(3);
    await runHeadless(say, folder, () =>
      startProduct({ function: functionPort, issuer, openRouter }, { DATA_DIR: join(folder, "function") }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function interactive(): Promise<void> {
  const taken = await takenPort([...Object.values(fixedPorts), editorPort]);
  if (taken !== undefined) {
    throw new Error(`Port ${taken} is already in use, perhaps by another \`npm start\`. Stop that first.`);
  }
  say("Building the extension …");
  await buildExtension();
  const dataDir = resolve(".data");
  const { neighbours, running } = await startProduct(fixedPorts, { DATA_DIR: dataDir });
  const functionUrl = `http://127.0.0.1:${fixedPorts.function}`;
  const demo = join(dataDir, "demo");
  const editor = await openEditor({
    extensionPath: resolve("."),
    folder: join(demo, "project"),
    dataDir: join(demo, "editor"),
    port: editorPort,
    userSettings: {
      "openrouterKeys.functionUrl": functionUrl,
      "openrouterKeys.openRouterUrl": neighbours.openRouterUrl,
    },
    // With pretended money the person's own tools are left alone: theirs would stop working.
    env: neighbours.isOpenRouterStandIn
      ? { CLAUDE_CONFIG_DIR: join(demo, "home", ".claude"), CODEX_HOME: join(demo, "home", ".codex") }
      : {},
  });

  say("");
  say(`  The function:     ${functionUrl}`);
  say(
    `  OpenRouter:       ${neighbours.isOpenRouterStandIn ? "a stand-in on this machine; no account, no money" : neighbours.openRouterUrl}`,
  );
  say(
    `  Sign-in:          ${neighbours.isIssuerStandIn ? "a stand-in; choose any of the people it shows" : "your issuer"}`,
  );
  say(`  VS Code:          ${editor.address ?? "opening on your desktop"}`);
  say("");
  say("  In VS Code press F1 and run “Create OpenRouter Key”.");
  say("  Ctrl+C here ends everything.");
  await new Promise<void>((done) => {
    process.once("SIGINT", done);
    process.once("SIGTERM", done);
  });
  say("Ending …");
  await editor.stop();
  await running.terminate();
  await writeFile(join(dataDir, "function.log"), running.output());
  await neighbours.stop();
}

try {
  const [option, ...rest] = process.argv.slice(2);
  if (rest.length > 0 || (option !== undefined && option !== "--headless")) {
    throw new Error("`npm start` takes one option: `npm start -- --headless` runs the main job once in the terminal.");
  }
  await (option === "--headless" ? headless() : interactive());
  process.exit(0);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
