import { cp, rm, stat } from "node:fs/promises";
import { basename } from "node:path";

import { build } from "esbuild";

/** What a bundle may weigh at most, in bytes: what is loaded at start, without the parts loaded when first needed. */
const most = { extension: 100_000, function: 250_000 };

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  platform: "node",
  outdir: "dist",
  logLevel: "warning",
  legalComments: "none",
};

/**
 * Drizzle's `pgTable` carries every column type of PostgreSQL for a way of declaring tables that the schema does not
 * use: 15 KB. Columns imported by name are not affected.
 */
const leaveOutUnusedColumns = {
  name: "leave-out-unused-columns",
  setup(build) {
    let isFound = false;
    build.onLoad({ filter: /drizzle-orm[\\/]pg-core[\\/]columns[\\/]all\.js$/ }, () => {
      isFound = true;
      return { contents: "export function getPgColumnBuilders() { return {}; }" };
    });
    build.onEnd(() =>
      isFound ? undefined : { errors: [{ text: "Drizzle's list of columns has moved: see leaveOutUnusedColumns." }] },
    );
  },
};

/** The extension is CommonJS, which esbuild does not split: the parts named here become files of their own. */
const parts = {
  "tool-setup.ts": "tool-setup",
  "unseal.ts": "unseal",
  "sign-ins-pick.ts": "sign-ins-pick",
  "rotate-key.ts": "rotate-key",
  "microsoft.ts": "microsoft",
};
const splitParts = {
  name: "split-parts",
  setup(build) {
    build.onResolve({ filter: /\.ts$/ }, ({ kind, path }) => {
      const part = parts[basename(path)];
      return kind === "dynamic-import" && part !== undefined ? { path: `./${part}.cjs`, external: true } : undefined;
    });
  },
};

await rm("dist/functions", { recursive: true, force: true });
const extension = await build({
  ...common,
  entryPoints: {
    extension: "extension/extension.ts",
    "tool-setup": "extension/tools/tool-setup.ts",
    unseal: "extension/keys/unseal.ts",
    "sign-ins-pick": "extension/ui/sign-ins-pick.ts",
    "rotate-key": "extension/ui/rotate-key.ts",
    microsoft: "extension/account/microsoft.ts",
    "or-key": "extension/key-helper/or-key.ts",
  },
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  // jsonc-parser's other build loads its files by a name that a bundle does not have.
  mainFields: ["module", "main"],
  plugins: [splitParts],
});
const functions = await build({
  ...common,
  entryPoints: { "functions/node": "functions/targets/node.ts" },
  chunkNames: "functions/[name]-[hash]",
  format: "esm",
  splitting: true,
  target: "node22",
  // undici alone is more than twice the rest, PGlite is 10 MB of WebAssembly, and OpenTelemetry is loaded only where a
  // collector is named: all come from node_modules.
  external: ["undici", "@electric-sql/pglite", "@opentelemetry/*"],
  plugins: [leaveOutUnusedColumns],
});
await cp("functions/adapters/postgres/migrations", "dist/functions/migrations", { recursive: true });

const strays = Object.keys(extension.metafile.inputs).filter(
  (path) => path.startsWith("functions/") && !path.startsWith("functions/contract/"),
);
if (strays.length > 0) {
  throw new Error(`The extension may take nothing of the function but its contract, and has ${strays.join(", ")}.`);
}

/** The files that are loaded with an entry: itself and what it imports statically. */
function atStart(outputs, file, seen = new Set()) {
  if (seen.has(file) || outputs[file] === undefined) return seen;
  seen.add(file);
  for (const { path, kind } of outputs[file].imports) if (kind === "import-statement") atStart(outputs, path, seen);
  return seen;
}

const early = [...atStart(functions.metafile.outputs, "dist/functions/node.js")].flatMap((file) =>
  functions.metafile.outputs[file].imports
    .filter(({ kind, path }) => kind === "import-statement" && path.startsWith("@opentelemetry/"))
    .map(({ path }) => path),
);
if (early.length > 0) throw new Error(`OpenTelemetry would be loaded at each start: ${early.join(", ")}.`);

async function weigh(files) {
  const sizes = await Promise.all([...files].map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const rows = [
  { bundle: "extension", entry: "dist/extension.cjs", metafile: extension.metafile, most: most.extension },
  { bundle: "function on Node", entry: "dist/functions/node.js", metafile: functions.metafile, most: most.function },
];
const table = [];
for (const { bundle, entry, metafile, most } of rows) {
  const start = await weigh(atStart(metafile.outputs, entry));
  const all = await weigh(Object.keys(metafile.outputs));
  table.push({
    bundle,
    "KB at start": start / 1000,
    "KB at most": most / 1000,
    "KB with parts loaded later": all / 1000,
  });
  if (start > most) throw new Error(`${bundle}: ${start} bytes at start, ${most} at most.`);
}
console.table(table);
