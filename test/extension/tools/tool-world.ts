import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createToolSetup } from "../../../extension/tools/tool-setup.ts";
import type { TerminalVariables } from "../../../extension/tools/terminal-variables.ts";
import type { ToolSetup } from "../../../extension/tools/tool-setup.ts";
import type { ToolSetupDeps, UndoStore } from "../../../extension/tools/tool.ts";

export interface MemoryUndoStore extends UndoStore {
  readonly records: Map<string, string>;
}

export function createUndoStore(): MemoryUndoStore {
  const records = new Map<string, string>();
  return {
    records,
    get: async (id) => records.get(id),
    put: async (id, json) => void records.set(id, json),
    delete: async (id) => void records.delete(id),
  };
}

/** The variables of one window's terminals. */
export function createTerminals(): { readonly variables: Map<string, string>; readonly terminals: TerminalVariables } {
  const variables = new Map<string, string>();
  const terminals = {
    set: (name: string, value: string): void => void variables.set(name, value),
    remove: (name: string): void => void variables.delete(name),
  };
  return { variables, terminals };
}

/** A throw-away home folder with nothing in it but a folder of programs, and the set-up over it. */
export interface ToolWorld {
  readonly home: string;
  readonly bin: string;
  readonly undoStore: MemoryUndoStore;
  readonly logged: readonly string[];
  /** The variables of terminals that would be opened now. */
  readonly terminals: ReadonlyMap<string, string>;
  readonly deps: ToolSetupDeps;
  readonly setup: ToolSetup;
  /** The same home, seen after a restart with something changed. */
  restarted(changes: Partial<ToolSetupDeps>): ToolSetup;
  path(name: string): string;
  write(name: string, content: string | Buffer): Promise<void>;
  /** As Latin-1, so that each byte is one character; undefined when there is no file. */
  read(name: string): Promise<string | undefined>;
  addProgram(name: string, script: string): Promise<void>;
  remove(): Promise<void>;
}

export async function createToolWorld(overrides: Partial<ToolSetupDeps> = {}): Promise<ToolWorld> {
  const home = await realpath(await mkdtemp(join(tmpdir(), "or home ")));
  const bin = join(home, "programs");
  await mkdir(bin);
  const undoStore = createUndoStore();
  const logged: string[] = [];
  const keep = (line: string): void => void logged.push(line);
  const { variables, terminals } = createTerminals();
  const deps: ToolSetupDeps = {
    home,
    // The system's folders hold git and sh; a tool that is installed there must not count.
    env: { PATH: bin, HOME: home },
    platform: process.platform,
    helperCommand: join(home, "Application Support", "or-key"),
    openRouterUrl: "https://openrouter.ai/api/v1",
    readKey: async () => "sk-or-v1-tools",
    undoStore,
    extensionFolder: () => undefined,
    extensionApi: async () => undefined,
    terminals,
    log: { debug: keep, info: keep, warn: keep, error: keep },
    ...overrides,
  };
  const path = (name: string): string => join(home, name);
  return {
    home,
    bin,
    undoStore,
    logged,
    terminals: variables,
    deps,
    setup: createToolSetup(deps),
    restarted: (changes) => createToolSetup({ ...deps, ...changes }),
    path,
    async write(name, content) {
      await mkdir(dirname(path(name)), { recursive: true });
      await writeFile(path(name), content);
    },
    read: (name) => readFile(path(name), "latin1").catch(() => undefined),
    async addProgram(name, script) {
      await writeFile(join(bin, name), script);
      await chmod(join(bin, name), 0o755);
    },
    remove: () => rm(home, { recursive: true, force: true }),
  };
}
