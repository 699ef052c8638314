import { randomBytes } from "node:crypto";

import * as vscode from "vscode";
import * as z from "zod/mini";

import type { Disposable } from "../base/emitter.ts";
import { spendCsv, type SpendReport } from "../keys/spend-report.ts";

interface SpendPageDeps {
  /** Where the page's own files are. */
  readonly files: vscode.Uri;
  readonly report: () => SpendReport;
  readonly refresh: () => Promise<void>;
  readonly run: (what: string, work: () => Promise<void>) => Promise<void>;
}

export interface SpendPage extends Disposable {
  /** Opens it, or brings it to the front. */
  show(): void;
  /** Draws it anew where it is open. */
  update(): void;
}

const Message = z.object({ kind: z.enum(["ready", "refresh", "export"]) });

/** The page with the charts. It may run its own script and nothing else, and gets figures and names only. */
export function createSpendPage({ files, report, refresh, run }: SpendPageDeps): SpendPage {
  let panel: vscode.WebviewPanel | undefined;

  const update = (): void => void panel?.webview.postMessage(report());
  const answer = async (message: unknown): Promise<void> => {
    const parsed = Message.safeParse(message);
    if (!parsed.success) return;
    if (parsed.data.kind === "export") await run("export the spend", () => exportCsv(report()));
    if (parsed.data.kind === "refresh") await refresh();
    update();
  };

  function open(): vscode.WebviewPanel {
    const opened = vscode.window.createWebviewPanel(
      "openrouterKeys.spendPage",
      vscode.l10n.t("OpenRouter Spend"),
      vscode.ViewColumn.Active,
      { enableScripts: true, enableForms: false, enableCommandUris: false, localResourceRoots: [files] },
    );
    opened.webview.onDidReceiveMessage((message) => void answer(message));
    opened.onDidDispose(() => (panel = undefined));
    opened.webview.html = htmlFor(opened.webview, files);
    return opened;
  }

  return {
    show: () => {
      if (panel === undefined) panel = open();
      else panel.reveal();
      void refresh();
    },
    update,
    dispose: () => panel?.dispose(),
  };
}

function htmlFor(webview: vscode.Webview, files: vscode.Uri): string {
  const nonce = randomBytes(16).toString("base64url");
  const file = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(files, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="${file("spend-page.css")}">
<title>OpenRouter Spend</title>
</head>
<body>
<main></main>
<script nonce="${nonce}" src="${file("spend-page.js")}"></script>
</body>
</html>`;
}

async function exportCsv(report: SpendReport): Promise<void> {
  const name = `openrouter-spend-${new Date().toISOString().slice(0, 10)}.csv`;
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const target = await vscode.window.showSaveDialog({
    filters: { CSV: ["csv"] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder.uri, name) }),
  });
  if (target === undefined) return;
  await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(spendCsv(report)));
}
