import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import { createTerminalVariables } from "../../../extension/host/terminal-variables.ts";

describe("The variables of VS Code's terminals", () => {
  let folder = "";

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "terminal-"));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  /** What a terminal that is opened now has of these, as its shell says itself. */
  async function inNewTerminal(...names: readonly string[]): Promise<Record<string, string | undefined>> {
    const file = join(folder, "environment");
    const terminal = vscode.window.createTerminal({
      shellPath: "/bin/sh",
      shellArgs: ["-c", `env -0 > '${file}'`],
      env: { OWN_TOKEN: "the person's own" },
    });
    await new Promise<void>((resolve) => {
      const subscription = vscode.window.onDidCloseTerminal((closed) => {
        if (closed !== terminal) return;
        subscription.dispose();
        resolve();
      });
    });
    const lines = (await readFile(file, "utf8")).split("\0");
    const values = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
    return Object.fromEntries(names.map((name) => [name, values.get(name)]));
  }

  it("are in new terminals, take away what they blank, are not kept by VS Code, and go again", async () => {
    const extension = vscode.extensions.getExtension<vscode.EnvironmentVariableCollection>(
      "openrouter-keys-test.terminals",
    );
    if (extension === undefined) throw new Error("The suite's own extension is not there.");
    const collection = await extension.activate();
    const variables = createTerminalVariables(collection);
    variables.set("TOOL_COMMAND", "'/opt/or key'");
    variables.set("OWN_TOKEN", "");
    const isKept = collection.persistent;
    const set = await inNewTerminal("TOOL_COMMAND", "OWN_TOKEN");
    variables.remove("TOOL_COMMAND");
    variables.remove("OWN_TOKEN");
    variables.remove("OWN_TOKEN");
    assert.deepStrictEqual(
      { isKept, set, gone: await inNewTerminal("TOOL_COMMAND", "OWN_TOKEN") },
      {
        isKept: false,
        set: { TOOL_COMMAND: "'/opt/or key'", OWN_TOKEN: "" },
        gone: { TOOL_COMMAND: undefined, OWN_TOKEN: "the person's own" },
      },
    );
  });
});
