import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as z from "zod/mini";
import { CancelledError, UserError } from "../base/errors.ts";
import { leanEnvironment, startProgram } from "./program.ts";
import { dotted, isSame, JsonObject, valueAt } from "./settings.ts";
import type { SettingsFormat } from "./settings.ts";
import type { ToolSetupDeps } from "./tool.ts";

// Codex's own writer edits its TOML: it keeps comments, order and inline notes. It runs on a copy in a private folder
// that is removed afterwards, so that the person's file is replaced in one step by us, and that Codex, which fills its
// folder with logs and skills when it starts, leaves nothing in the person's.

const deadlineMilliseconds = 15_000;

const Reply = z.object({
  id: z.number(),
  result: z.optional(z.unknown()),
  error: z.optional(z.object({ message: z.string() })),
});

const ConfigRead = z.object({
  layers: z.array(z.object({ name: z.object({ type: z.string() }), config: JsonObject })),
});

/** What Codex answered instead of doing it. The message can quote the person's file: for their eyes, never for a log. */
class CodexRefusal extends Error {
  override readonly name = "CodexRefusal";
}

/** `findProgram` gives the program that runs; `file` is what a message calls the person's file. */
export function createCodexFormat(
  file: string,
  findProgram: (signal?: AbortSignal) => Promise<string>,
  deps: ToolSetupDeps,
): SettingsFormat {
  async function withCodex<T>(
    text: string,
    signal: AbortSignal | undefined,
    use: (codex: CodexSession, copy: string) => Promise<T>,
  ): Promise<T> {
    const program = await findProgram(signal);
    const folder = await mkdtemp(join(tmpdir(), "openrouter-keys-"));
    try {
      const copy = join(folder, "config.toml");
      await writeFile(copy, text, { mode: 0o600 });
      const env = { ...leanEnvironment(deps.env), CODEX_HOME: folder };
      const codex = await openSession(program, env, deps.platform, signal);
      try {
        return await use(codex, copy);
      } finally {
        await codex.close();
      }
    } catch (error) {
      throw error instanceof CodexRefusal ? refusalInWords(error) : error;
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  function refusalInWords(error: CodexRefusal): UserError {
    const place = /config\.toml:(\d+):(\d+)/.exec(error.message);
    const where = place === null ? "" : ` (line ${place[1]}, column ${place[2]})`;
    return new UserError(
      `Codex does not accept ${file} as it is${where}, so it was left as it is. Mend it and try again.`,
    );
  }

  return {
    read: (text, signal) => withCodex(text, signal, readUserLayer),
    edit: (text, settings, signal) =>
      withCodex(text, signal, async (codex, copy) => {
        const edits = settings.map(({ path, value }) => ({
          keyPath: dotted(path),
          value: value ?? null,
          mergeStrategy: "replace",
        }));
        await codex.call("config/batchWrite", { edits });
        const written = await readUserLayer(codex);
        if (!settings.every(({ path, value }) => isSame(valueAt(written, path), value))) {
          throw new UserError(
            `Codex did not write ${file} as it was asked to, so it was left as it is. Update Codex and try again.`,
          );
        }
        const edited = await readFile(copy, "utf8");
        // Codex ends each line as Unix does.
        const isWindowsText = text.includes("\r\n") && !/(^|[^\r])\n/.test(text);
        return isWindowsText ? edited.replaceAll(/\r?\n/g, "\r\n") : edited;
      }),
  };
}

/** The values of the person's own file, without Codex's defaults. */
async function readUserLayer(codex: CodexSession): Promise<JsonObject> {
  const { layers } = ConfigRead.parse(await codex.call("config/read", { includeLayers: true }));
  return layers.find(({ name }) => name.type === "user")?.config ?? {};
}

interface CodexSession {
  call(method: string, params: unknown): Promise<unknown>;
  /** Resolves when the program has ended. */
  close(): Promise<void>;
}

/** One `codex app-server`: JSON-RPC, a line a message, over its stdin and stdout. */
async function openSession(
  program: string,
  env: Record<string, string>,
  platform: NodeJS.Platform,
  signal: AbortSignal | undefined,
): Promise<CodexSession> {
  const args = ["app-server", "-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false"];
  const { child, kill } = startProgram(program, args, { env, platform });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let failure: Error | undefined;
  let lastId = 0;

  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
    kill();
  };
  const cancel = (): void => fail(new CancelledError());
  const timer = setTimeout(
    () => fail(new UserError("Codex did not answer within 15 seconds. Try again.")),
    deadlineMilliseconds,
  );
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("close", () => resolve());
  });
  void ended.then(() =>
    fail(
      new UserError(
        `Codex at ${program} ended before it answered. Run "codex" in a terminal, mend what it says and try again.`,
      ),
    ),
  );
  if (signal?.aborted === true) cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  child.stderr.resume();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const reply = parseReply(line);
    if (reply === undefined) return;
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) call?.resolve(reply.result);
    else call?.reject(new CodexRefusal(reply.error.message));
  });

  const send = (message: object): void => void child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const call = (method: string, params: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      send({ id, method, params });
    });
  const close = async (): Promise<void> => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", cancel);
    kill();
    await ended;
  };

  try {
    await call("initialize", { clientInfo: { name: "openrouter-keys", title: "OpenRouter Keys", version: "1.0.0" } });
    send({ method: "initialized" });
  } catch (error) {
    await close();
    throw error;
  }
  return { call, close };
}

function parseReply(line: string): z.infer<typeof Reply> | undefined {
  try {
    return Reply.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
