/**
 * A program that speaks Codex's `app-server` as far as the set-up uses it, over a config.toml that holds JSON: enough to
 * try what goes wrong around it. What Codex really does to TOML is tested with the real one, in test/tools.
 */
export function fakeCodex({ version = "0.169.0", onStart = "" } = {}): string {
  return `#!${process.execPath}
const { readFileSync, writeFileSync } = require("node:fs");
const { createInterface } = require("node:readline");
if (process.argv[2] === "--version") { console.log("codex-cli ${version}"); process.exit(0); }
${onStart}
const file = process.env.CODEX_HOME + "/config.toml";
const read = () => JSON.parse(readFileSync(file, "utf8") || "{}");
const methods = {
  initialize: () => ({}),
  "config/read": () => ({ layers: [{ name: { type: "user", file }, config: read() }] }),
  "config/batchWrite": ({ edits }) => {
    const root = read();
    for (const { keyPath, value } of edits) {
      const names = keyPath.split(".");
      const last = names.pop();
      const container = names.reduce((held, name) => (held[name] ??= {}), root);
      if (value === null) delete container[last]; else container[last] = value;
    }
    writeFileSync(file, JSON.stringify(root));
    return { status: "ok" };
  },
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  try { console.log(JSON.stringify({ id, result: methods[method](params) })); }
  catch { console.log(JSON.stringify({ id, error: { code: -32603, message: "config.toml:3:7: sk-or-secret" } })); }
});
`;
}
