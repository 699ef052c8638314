import * as vscode from "vscode";

import type { Log } from "../base/log.ts";
import { redact } from "../base/redact.ts";

export interface OutputLog extends Log {
  show(): void;
  dispose(): void;
}

/** The output channel “OpenRouter Keys”. Every line passes the redactor, whatever its author meant to write. */
export function createOutputLog(): OutputLog {
  const channel = vscode.window.createOutputChannel("OpenRouter Keys", { log: true });
  return {
    debug: (message) => channel.debug(redact(message)),
    info: (message) => channel.info(redact(message)),
    warn: (message) => channel.warn(redact(message)),
    error: (message) => channel.error(redact(message)),
    show: () => channel.show(true),
    dispose: () => channel.dispose(),
  };
}
