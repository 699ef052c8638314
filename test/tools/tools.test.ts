import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KeyServer } from "../../extension/key-helper/key-server.ts";
import type { ToolId } from "../../extension/tools/catalogue.ts";
import type { ToolSetup } from "../../extension/tools/tool-setup.ts";
import { startOpenRouter } from "../support/openrouter/stand-in.ts";
import type { OpenRouterStandIn } from "../support/openrouter/stand-in.ts";
import { runClaude, runCodex } from "./run-tool.ts";
import type { ToolRun, ToolResult } from "./run-tool.ts";
import { ensureTools } from "./setup.ts";
import { createKey, openToolHome } from "./tool-home.ts";
import type { ToolHome } from "./tool-home.ts";

const failed = { isDone: false, isPong: false };

/** Stands for a key of the person's own at Anthropic or OpenAI. */
const foreignSecret = "sk-ant-api03-the-persons-own";

interface RealTool {
  readonly id: ToolId;
  readonly file: string;
  /** A file that the person has already. */
  readonly before: string;
  readonly run: (run: ToolRun) => Promise<ToolResult>;
  /** Keys of the person's own in their shell. */
  readonly shell: Readonly<Record<string, string>>;
  readonly path: string;
  /** Sends it to this address without giving it a key. */
  readonly pointAt: (openRouter: OpenRouterStandIn) => Pick<ToolRun, "env" | "args">;
}

const tools: readonly RealTool[] = [
  {
    id: "claude-code",
    file: ".claude/settings.json",
    before: `{\r\n\t"permissions": {"allow": ["Bash(ls:*)"]},\r\n\t"env": {"EDITOR": "vi"}\r\n}`,
    run: runClaude,
    shell: { ANTHROPIC_API_KEY: foreignSecret, ANTHROPIC_AUTH_TOKEN: foreignSecret },
    path: "/api/v1/messages",
    pointAt: ({ anthropicUrl }) => ({ env: { ANTHROPIC_BASE_URL: anthropicUrl } }),
  },
  {
    id: "codex",
    file: ".codex/config.toml",
    before: `# mine\nmodel = "gpt-5.5" # the usual\n\n[tui]\nanimations = false # quiet\n`,
    run: runCodex,
    shell: { OPENAI_API_KEY: foreignSecret, OPENROUTER_API_KEY: foreignSecret, CODEX_API_KEY: foreignSecret },
    path: "/api/v1/responses",
    pointAt: ({ apiUrl }) => ({ args: ["-c", `openai_base_url="${apiUrl}"`] }),
  },
];

describe("the real command lines", function () {
  this.timeout(240_000);
  let openRouter: OpenRouterStandIn;

  before(async function () {
    this.timeout(900_000);
    await ensureTools();
    openRouter = await startOpenRouter();
  });

  after(() => openRouter.stop());

  for (const tool of tools) {
    describe(tool.id, () => {
      let home = "";
      let secret: string | undefined;
      let hash = "";
      let toolHome: ToolHome;
      let keyServer: KeyServer;
      let setup: ToolSetup;

      beforeEach(async () => {
        ({ secret, hash } = await createKey(openRouter));
        toolHome = await openToolHome(openRouter, { [tool.file]: tool.before }, async () => secret);
        ({ home, keyServer, setup } = toolHome);
        openRouter.clearRequests();
      });

      afterEach(() => toolHome.remove());

      const ask = (env: Readonly<Record<string, string>> = {}) => tool.run({ home, prompt: "say pong", env });
      const content = (): Promise<string> => readFile(join(home, tool.file), "utf8");
      const inferences = () =>
        openRouter.requests.filter(({ method, path }) => method === "POST" && path === tool.path);
      /** All secrets that reached OpenRouter, by their SHA-256: for a key that is its hash. */
      const credentials = () =>
        new Set(
          openRouter.requests.flatMap(({ authorization, xApiKey }) =>
            [authorization, xApiKey].filter((credential) => credential !== null),
          ),
        );
      const spend = () => openRouter.keys().find((key) => key.hash === hash)?.usage ?? 0;

      it("answers with the person's OpenRouter key once it is set up, and sends no other key of theirs", async () => {
        const without = await tool.run({ home, prompt: "say pong", ...tool.pointAt(openRouter) });
        const withoutKey = credentials();
        openRouter.clearRequests();

        const applied = await setup.apply([tool.id]);
        const detected = await setup.detect();
        const answered = await ask(tool.shell);
        assert.deepStrictEqual(
          {
            without: { isDone: without.code === 0, isPong: /pong/i.test(without.stdout) },
            withoutKey,
            applied: applied.map((outcome) => (outcome.ok ? outcome.changed : outcome.message)),
            state: detected.find(({ id }) => id === tool.id)?.state,
            answered: { code: answered.code, isPong: /pong/i.test(answered.stdout) },
            credentials: credentials(),
            hasAsked: inferences().length > 0,
            hasSpent: spend() > 0,
          },
          {
            without: failed,
            withoutKey: new Set(),
            applied: [[join(home, tool.file)]],
            state: "configured",
            answered: { code: 0, isPong: true },
            credentials: new Set([hash]),
            hasAsked: true,
            hasSpent: true,
          },
          `${answered.stdout}\n${answered.stderr}`,
        );
      });

      it("fails when the key is disabled, and says so when VS Code is closed", async () => {
        await setup.apply([tool.id]);
        await disableKey(openRouter, hash);
        openRouter.clearRequests();
        const disabled = await ask();
        const sent = [...credentials()];
        await keyServer.stop();
        openRouter.clearRequests();
        const closed = await ask(tool.shell);
        assert.deepStrictEqual(
          {
            disabled: { isDone: disabled.code === 0, isPong: /pong/i.test(disabled.stdout) },
            sent,
            closed: { isDone: closed.code === 0, isPong: /pong/i.test(closed.stdout) },
            isSaid: (closed.stdout + closed.stderr).includes("OpenRouter Keys: VS Code is not running"),
            isForeignSent: credentials().has(createHash("sha256").update(foreignSecret).digest("hex")),
            spend: spend(),
          },
          { disabled: failed, sent: [hash], closed: failed, isSaid: true, isForeignSent: false, spend: 0 },
          closed.stdout + closed.stderr,
        );
      });

      it("takes the next key with nothing edited, and has every byte of its file back after undo", async () => {
        await setup.apply([tool.id]);
        await setup.undo([tool.id]);
        const untouched = await content();

        await setup.apply([tool.id]);
        const applied = await content();
        const next = await createKey(openRouter);
        secret = next.secret;
        openRouter.clearRequests();
        const { code, stdout, stderr } = await ask();
        const used = await content();
        await setup.undo([tool.id]);
        assert.deepStrictEqual(
          {
            untouched,
            applied: applied.includes("or-key"),
            isAnswered: code === 0 && /pong/i.test(stdout),
            credentials: credentials(),
            used,
            left: await content(),
          },
          {
            untouched: tool.before,
            applied: true,
            isAnswered: true,
            credentials: new Set([next.hash]),
            used: applied,
            left: tool.before,
          },
          stdout + stderr,
        );
      });
    });
  }
});

async function disableKey({ apiUrl, managementKey }: OpenRouterStandIn, hash: string): Promise<void> {
  const response = await fetch(`${apiUrl}/keys/${hash}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${managementKey}`, "content-type": "application/json" },
    body: JSON.stringify({ disabled: true }),
  });
  assert.equal(response.status, 200);
}
