import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ToolId } from "../../extension/tools/catalogue.ts";
import { startOpenRouter } from "../support/openrouter/stand-in.ts";
import type { OpenRouterStandIn } from "../support/openrouter/stand-in.ts";
import type { ToolRun, ToolResult } from "./run-tool.ts";
import { ensureFurtherTools } from "./setup.ts";
import { createKey, openToolHome } from "./tool-home.ts";

/** Stands for keys of the person's own in their shell. */
const foreignSecret = "sk-or-v1-the-persons-own";
const shell = {
  OPENROUTER_API_KEY: foreignSecret,
  OPENAI_API_KEY: foreignSecret,
  COPILOT_PROVIDER_API_KEY: foreignSecret,
  COPILOT_PROVIDER_BEARER_TOKEN: foreignSecret,
};

/** A tool whose set-up is proven in one go: before, after, with the next key, with VS Code closed, undone. */
export interface FurtherTool {
  readonly id: ToolId;
  readonly before: Readonly<Record<string, string>>;
  readonly run: (run: ToolRun) => Promise<ToolResult>;
  /** Makes it choose OpenRouter without a key, so that it says at once that it has none; absent where it would wait. */
  readonly without?: Pick<ToolRun, "env" | "args">;
  /** It lays out its own files anew, as JSON: their values are compared, not their bytes. */
  readonly isRewriting?: boolean;
  /** It asks the key helper, so that it has no key while VS Code is closed. */
  readonly isAsking: boolean;
}

/** A test for each; to be called within a `describe`. */
export function proveEach(furtherTools: readonly FurtherTool[]): void {
  let openRouter: OpenRouterStandIn;

  before(async function () {
    this.timeout(900_000);
    await ensureFurtherTools();
    openRouter = await startOpenRouter();
  });

  after(() => openRouter.stop());

  for (const { id, before: files, run, without, isRewriting, isAsking } of furtherTools) {
    it(`${id} answers with the person's key, then with the next one, with no other key of theirs, and is undone`, async () => {
      const first = await createKey(openRouter);
      const second = await createKey(openRouter);
      let secret = first.secret;
      const toolHome = await openToolHome(openRouter, files, async () => secret);
      const { home, setup } = toolHome;

      const ask = async (options: Pick<ToolRun, "env" | "args">) => {
        openRouter.clearRequests();
        // As in a terminal of the editor, whose variables win over the shell's.
        const env = { ...options.env, ...Object.fromEntries(toolHome.terminals) };
        const result = await run({ home, prompt: "say pong", ...options, env });
        const sent = openRouter.requests.flatMap(({ authorization, xApiKey }) => [authorization, xApiKey]);
        const isAnswered = result.code === 0 && /pong/i.test(result.stdout);
        // Secrets are recorded by their SHA-256: for a key that is its hash.
        const credentials = new Set(sent.filter((credential) => credential !== null));
        return { isAnswered, credentials, said: result.stdout + result.stderr };
      };
      const planned = (await setup.plan([id])).map(({ file }) => file);
      const paths = [...new Set([...Object.keys(files).map((name) => join(home, name)), ...planned])];
      const contents = () =>
        Promise.all(
          paths.map(async (path) => {
            const text = await readFile(path, "utf8").catch(() => undefined);
            const content: unknown = isRewriting === true && text !== undefined ? JSON.parse(text) : text;
            return [path, content] as const;
          }),
        );
      const spend = (hash: string) => openRouter.keys().find((key) => key.hash === hash)?.usage ?? 0;

      try {
        const noKey = without === undefined ? undefined : await ask(without);
        const kept = await contents();
        const applied = await setup.apply([id]);
        const faults = await setup.verify([id]);
        const answered = await ask({ env: shell });
        secret = second.secret;
        await setup.refresh();
        const rotated = await ask({ env: shell });
        await toolHome.keyServer.stop();
        const closed = isAsking ? await ask({ env: shell }) : undefined;
        await setup.undo([id]);
        const left = await contents();
        const undone = without === undefined ? undefined : await ask(without);
        const foreign = createHash("sha256").update(foreignSecret).digest("hex");
        assert.deepStrictEqual(
          {
            isAnsweredWithout: [noKey?.isAnswered ?? false, undone?.isAnswered ?? false],
            applied: applied.map((outcome) => outcome.ok || outcome.message),
            faults,
            answered: [answered.isAnswered, answered.credentials, spend(first.hash) > 0],
            rotated: [rotated.isAnswered, rotated.credentials, spend(second.hash) > 0],
            closed: [closed?.isAnswered ?? false, closed?.credentials.has(foreign) ?? false],
            left,
            terminals: toolHome.terminals.size,
          },
          {
            isAnsweredWithout: [false, false],
            applied: [true],
            faults: [],
            answered: [true, new Set([first.hash]), true],
            rotated: [true, new Set([second.hash]), true],
            closed: [false, false],
            left: kept,
            terminals: 0,
          },
          [noKey, answered, rotated, closed, undone].map((run) => run?.said).join("\n---\n"),
        );
      } finally {
        await toolHome.remove();
      }
    });
  }
}
