import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { ensureTools } from "../tools/setup.ts";
import { runClaude, runCodex } from "../tools/run-tool.ts";
import type { QuickPickRow } from "../host/quick-input.ts";
import { startWorkbench } from "../host/workbench.ts";
import type { Workbench, WorkbenchOptions } from "../host/workbench.ts";
import { waitFor } from "../host/wait.ts";

/*
 * The main job as a person does it in the real VS Code: the steps that `npm start -- --headless` shows one by one and
 * that the tests of the editor take as their beginning.
 */

export const extensionPath = join(import.meta.dirname, "../..");

export interface JobPlace {
  /** A folder that is thrown away: the home of the person and everything of the editor is below it. */
  readonly folder: string;
  readonly functionUrl: string;
  readonly openRouterUrl: string;
}

/** VS Code with the extension in it, and Claude Code and Codex on its path. */
export async function openEditorWithTools(place: JobPlace, more: Partial<WorkbenchOptions> = {}): Promise<Workbench> {
  const { claude, codex } = await ensureTools();
  const home = homeOf(place);
  await mkdir(home, { recursive: true });
  return startWorkbench({
    extensionPath,
    folder: join(place.folder, "project"),
    home,
    dataDir: join(place.folder, "editor"),
    userSettings: {
      "openrouterKeys.functionUrl": place.functionUrl,
      "openrouterKeys.openRouterUrl": place.openRouterUrl,
    },
    env: { PATH: [dirname(claude), dirname(codex), process.env["PATH"] ?? ""].join(":") },
    ...more,
  });
}

export function homeOf(place: JobPlace): string {
  return join(place.folder, "home");
}

/** Presses the person's button on the issuer's page in the browser window that the sign-in has opened. */
export async function signInInBrowser(workbench: Workbench, email: string): Promise<void> {
  const popup = await workbench.popup();
  await popup.getByRole("button", { name: new RegExp(email.replaceAll(".", "\\.")) }).click();
  await popup.getByText("You can close this tab").waitFor();
  await popup.close();
  await workbench.page.bringToFront();
}

/** Allows the extension its own sign-in, which VS Code asks about once, and signs in in the browser. */
export async function allowAndSignIn(workbench: Workbench, email: string): Promise<void> {
  const consent = await workbench.dialog();
  await consent.click("Allow");
  await signInInBrowser(workbench, email);
}

/** Waits for the one question about the tools, and answers what it offers. */
export async function askedForTools(workbench: Workbench): Promise<readonly QuickPickRow[]> {
  return waitFor(workbench.page, "the question which tools to set up", async () => {
    const { title, rows } = await workbench.quickInput().read();
    return title.includes("Set Up Coding Tools") && rows.length > 0 ? rows : undefined;
  });
}

/** Runs the command of a person who is signed in, and takes every tool that is offered. Returns the last message. */
export async function createKeyWithTools(workbench: Workbench, name: string): Promise<string> {
  const input = workbench.quickInput();
  await input.type(name);
  await input.accept();
  await askedForTools(workbench);
  await input.accept();
  return (await workbench.notification(`The key “${name}” is ready.`)).text;
}

export async function askClaude(place: JobPlace): Promise<string> {
  const { code, stdout, stderr } = await runClaude({ home: homeOf(place), prompt: "Answer with one word." });
  if (code !== 0) throw new Error(`Claude Code ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}

export async function askCodex(place: JobPlace): Promise<string> {
  const { code, stdout, stderr } = await runCodex({ home: homeOf(place), prompt: "Answer with one word." });
  if (code !== 0) throw new Error(`Codex ended with ${code}: ${stdout}${stderr}`);
  return stdout.trim();
}
