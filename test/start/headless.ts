import { ensureHost } from "../host/setup.ts";
import { waitFor } from "../host/wait.ts";
import type { FunctionProcess } from "../support/function-process.ts";
import { ensureTools } from "../tools/setup.ts";
import { buildExtension } from "./build.ts";
import type { JobPlace } from "./main-job.ts";
import { allowAndSignIn, askClaude, askCodex, createKeyWithTools, openEditorWithTools } from "./main-job.ts";
import type { Neighbours } from "./neighbours.ts";

type Say = (text: string) => void;

/** The main job, once, with a real VS Code and the real command lines; each step in words, with its time. */
export async function runHeadless(
  say: Say,
  folder: string,
  startProduct: () => Promise<{ neighbours: Neighbours; running: FunctionProcess }>,
): Promise<void> {
  const started = performance.now();
  let count = 0;
  async function step<T>(title: string, work: () => Promise<T>, tell: (result: T) => string = () => ""): Promise<T> {
    const begun = performance.now();
    const result = await work();
    const seconds = ((performance.now() - begun) / 1000).toFixed(1).padStart(5);
    count += 1;
    const outcome = tell(result);
    say(`${String(count).padStart(2)}. ${seconds} s  ${title}${outcome === "" ? "" : `\n             ${outcome}`}`);
    return result;
  }

  await step("Get a VS Code, a browser and two coding tools from npm (once)", async () => {
    await ensureHost();
    await ensureTools();
  });
  await step("Build the extension", buildExtension);
  const { neighbours, running } = await step(
    "Start the function, with stand-ins for OpenRouter and for the company's sign-in",
    startProduct,
    (product) => `${product.running.url}, database embedded; no account anywhere`,
  );
  try {
    if (!neighbours.isIssuerStandIn) {
      throw new Error(
        "Only the stand-in for sign-in can be used without a person. Leave OIDC_ISSUER out, or use `npm start`.",
      );
    }
    const place: JobPlace = { folder, functionUrl: running.url, openRouterUrl: neighbours.openRouterUrl };
    const workbench = await step("Open VS Code with the extension in it", () => openEditorWithTools(place));
    try {
      await step("Run “Create OpenRouter Key” and sign in as Ada in the browser", async () => {
        await workbench.runCommand("Create OpenRouter Key");
        await allowAndSignIn(workbench, "ada@example.com");
      });
      await step(
        "Name the key “laptop”; it is made, kept, checked, and Claude Code and Codex are set up to use it",
        () => createKeyWithTools(workbench, "laptop"),
        (message) => `VS Code says: ${message}`,
      );
      await step(
        "Ask the real Claude Code a question with that key",
        () => askClaude(place),
        (answer) => `It answers: ${answer}`,
      );
      await step(
        "Ask the real Codex a question with that key",
        () => askCodex(place),
        (answer) => `It answers: ${answer}`,
      );
      await step(
        "See in VS Code's status bar what that cost",
        async () => {
          await workbench.runCommand("OpenRouter Keys: Refresh");
          let text = "";
          await waitFor(workbench.page, "the spend in the status bar", async () => {
            text = (await workbench.statusBarItem("openrouterKeys.spend")).text;
            return /\$\d/.test(text) && !text.includes("$0 of");
          });
          return text;
        },
        (text) => `The status bar says: ${text}`,
      );
    } finally {
      await workbench.close();
    }
  } finally {
    await running.terminate();
    await neighbours.stop();
  }
  say(
    `Done in ${((performance.now() - started) / 1000).toFixed(0)} s. Everything was thrown away again; \`npm start\` keeps it and gives you the editor.`,
  );
}
