import { cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

/** What a bundle may weigh at most, in bytes: what is loaded at start, without the parts loaded when first needed. */
const most = { extension: 100_000, function: 250_000, worker: 300_000, vercel: 250_000, oneFile: 1_350_000 };

const common = {
  bundle: true,
  minify: true,
  metafile: true,
  platform: "node",
  outdir: "dist",
  logLevel: "warning",
  legalComments: "none",
};

const fails = 'throw new Error("This part was left out of the bundle.")';

/** What the function's libraries carry for ways of using them that are not ours, and what stands in for it. */
const unused = [
  // Every column type of PostgreSQL, for a way of declaring tables that the schema does not use. Columns imported by
  // name are not affected.
  { file: "drizzle-orm/pg-core/columns/all.js", contents: "export function getPgColumnBuilders() { return {}; }" },
  // Relational queries (`database.query`): there are none.
  {
    file: "drizzle-orm/pg-core/query-builders/query.js",
    contents: `export class RelationalQueryBuilder { constructor() { ${fails}; } }`,
  },
  {
    file: "drizzle-orm/relations.js",
    contents: ["aliasedRelation", "createTableRelationsHelpers", "extractTablesRelationalConfig", "getOperators"]
      .concat("getOrderByOperators", "mapRelationalRow", "normalizeRelation", "Many", "One")
      .map((name) => `export function ${name}() { ${fails}; }`)
      .join("\n"),
  },
  // Listening to a replication slot, and objects larger than a row.
  { file: "postgres/src/subscribe.js", contents: `export default () => () => { ${fails}; };` },
  { file: "postgres/src/large.js", contents: `export default () => { ${fails}; };` },
];
const leaveOutUnusedFor = (postgres) => ({
  name: "leave-out-unused",
  setup(build) {
    const files = unused.map(({ file, contents }) => ({ file: file.replace("postgres/src/", postgres), contents }));
    const missing = new Set(files.map(({ file }) => file));
    for (const { file, contents } of files) {
      const filter = new RegExp(`node_modules[\\\\/]${file.replaceAll("/", "[\\\\/]").replaceAll(".", "\\.")}$`);
      build.onLoad({ filter }, () => {
        missing.delete(file);
        return { contents };
      });
    }
    build.onEnd(() => ({
      errors: [...missing].map((file) => ({ text: `${file} has moved or is not used any more: see "unused".` })),
    }));
  },
});

function buildWorker(outdir) {
  return build({
    ...common,
    outdir,
    entryPoints: { "functions/cloudflare": "functions/targets/cloudflare.ts" },
    format: "esm",
    platform: "neutral",
    target: "es2024",
    mainFields: ["module", "main"],
    // postgres.js reaches the database through the runtime's own sockets there.
    conditions: ["workerd", "worker", "import", "default"],
    external: ["node:*", "cloudflare:*"],
    plugins: [leaveOutUnusedFor("postgres/cf/src/")],
  });
}

/** drizzle-orm reads the migrations from files, and one file has none beside it. */
const migrationsInside = {
  name: "migrations-inside",
  setup(build) {
    build.onLoad({ filter: /node_modules[\\/]drizzle-orm[\\/]migrator\.js$/ }, async () => {
      const { readMigrationFiles } = await import("drizzle-orm/migrator");
      const migrations = readMigrationFiles({ migrationsFolder: "functions/adapters/postgres/migrations" });
      return { contents: `export const readMigrationFiles = () => ${JSON.stringify(migrations)};` };
    });
  },
};

/** What needs packages beside the file is said to be missing when it is asked for. */
const withoutPackages = {
  name: "without-packages",
  setup(build) {
    const missing =
      'throw Object.assign(new Error("This part is not in the one file."), { code: "ERR_MODULE_NOT_FOUND" });';
    build.onResolve({ filter: /^(?:@electric-sql\/pglite|drizzle-orm\/pglite$)/ }, ({ path }) => ({
      path,
      namespace: "missing",
    }));
    build.onLoad({ filter: /^/, namespace: "missing" }, () => ({ contents: missing }));
    build.onLoad({ filter: /functions[\\/]adapters[\\/]telemetry[\\/]otel\.ts$/ }, () => ({ contents: missing }));
  },
};

/** Node with nothing installed beside it: all but the embedded database and OpenTelemetry. */
function buildOneFile(outdir) {
  return build({
    ...common,
    outdir,
    entryPoints: { "openrouter-keys": "functions/targets/command.ts" },
    outExtension: { ".js": ".mjs" },
    format: "esm",
    target: "node22",
    // undici is CommonJS and asks for Node's own modules by require.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    plugins: [leaveOutUnusedFor("postgres/src/"), migrationsInside, withoutPackages],
  });
}

/** Vercel's Build Output, version 3: one function behind every path, and the nightly run by Vercel's cron. */
async function buildVercel(output) {
  const folder = join(output, "functions/index.func");
  await rm(output, { recursive: true, force: true });
  const built = await build({
    ...common,
    outdir: folder,
    entryPoints: { index: "functions/targets/vercel.ts" },
    outExtension: { ".js": ".mjs" },
    format: "esm",
    splitting: true,
    chunkNames: "[name]-[hash]",
    target: "node22",
    plugins: [leaveOutUnusedFor("postgres/src/")],
  });
  await mkdir(folder, { recursive: true });
  const written = {
    [join(folder, ".vc-config.json")]: {
      runtime: "nodejs24.x",
      handler: "index.mjs",
      launcherType: "Nodejs",
      shouldAddHelpers: false,
      supportsResponseStreaming: true,
      // A run that the cron starts ends by itself after four minutes.
      maxDuration: 300,
    },
    [join(output, "config.json")]: {
      version: 3,
      routes: [{ src: "/.*", dest: "/index" }],
      crons: [{ path: "/v1/cron/nightly", schedule: "15 2 * * *" }],
    },
  };
  for (const [file, content] of Object.entries(written)) await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
  return { built, entry: join(folder, "index.mjs") };
}

/**
 * What is imported dynamically becomes a file of its own. esbuild makes one more for each set of these that share
 * something, and an editor would open thirty at its start, which takes longer than to run them. So each is made to import
 * the start, which is there by then: what the start needs is needed by all, and is one file.
 */
async function buildExtension() {
  const options = {
    ...common,
    entryPoints: { "extension/extension": "extension/extension.ts" },
    chunkNames: "extension/[name]-[hash]",
    format: "esm",
    splitting: true,
    target: "node20",
    external: ["vscode"],
    // jsonc-parser's other build loads its files by a name that a bundle does not have.
    mainFields: ["module", "main"],
    // What Node would be given of it is CommonJS, which requires Node's own modules in a way that ES modules have not.
    alias: { yaml: "./node_modules/yaml/browser/index.js" },
  };
  const { metafile } = await build({ ...options, write: false });
  const later = new Set(
    Object.values(metafile.inputs)
      .flatMap(({ imports }) => imports.filter(({ kind, external }) => kind === "dynamic-import" && !external))
      .map(({ path }) => resolve(path)),
  );
  const start = `import ${JSON.stringify(resolve("extension/extension.ts"))};`;
  const importStart = {
    name: "import-start",
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) =>
        later.has(path) ? { contents: `${start}\n${await readFile(path, "utf8")}`, loader: "ts" } : undefined,
      );
    },
  };
  return build({ ...options, plugins: [importStart] });
}

// For tests, which must not take away what others are running.
const [, , flag, folder] = process.argv;
const alone = { "--worker": buildWorker, "--vercel": buildVercel, "--one-file": buildOneFile }[flag];
if (alone !== undefined) {
  await alone(folder);
  process.exit();
}

for (const half of ["extension", "functions", "webview"]) await rm(`dist/${half}`, { recursive: true, force: true });
const extension = await buildExtension();
// Run by the coding tools, wherever they are: one file that needs no other.
await build({
  ...common,
  entryPoints: { "or-key": "extension/key-helper/or-key.ts" },
  outExtension: { ".js": ".cjs" },
  format: "cjs",
  target: "node20",
});
// The spend page: loaded by the page itself, and only when it is opened.
await build({
  ...common,
  entryPoints: ["ts", "css"].map((kind) => ({
    in: `extension/webview/spend-page.${kind}`,
    out: "webview/spend-page",
  })),
  platform: "browser",
  format: "iife",
  target: "es2023",
});
const functions = await build({
  ...common,
  entryPoints: { "functions/node": "functions/targets/node.ts", "functions/nightly": "functions/targets/nightly.ts" },
  chunkNames: "functions/[name]-[hash]",
  format: "esm",
  splitting: true,
  target: "node22",
  // undici alone is more than twice the rest, PGlite is 10 MB of WebAssembly, and OpenTelemetry is loaded only where a
  // collector is named: all come from node_modules.
  external: ["undici", "@electric-sql/pglite", "@opentelemetry/*"],
  plugins: [leaveOutUnusedFor("postgres/src/")],
});
const worker = await buildWorker("dist");
const oneFile = await buildOneFile("dist/node");
// On Vercel's own machines the output is looked for in the project's folder.
const vercel = await buildVercel(process.env.VERCEL === undefined ? "dist/vercel/.vercel/output" : ".vercel/output");
await cp("functions/adapters/postgres/migrations", "dist/functions/migrations", { recursive: true });

for (const file of Object.keys(extension.metafile.outputs)) {
  if (!(await readFile(file, "utf8")).includes("Dynamic require of")) continue;
  throw new Error(`${file} has a CommonJS library in it that requires others when it runs, which ES modules cannot.`);
}
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
  { bundle: "extension", entry: "dist/extension/extension.js", metafile: extension.metafile, most: most.extension },
  { bundle: "function on Node", entry: "dist/functions/node.js", metafile: functions.metafile, most: most.function },
  {
    bundle: "function on Node, one file",
    entry: "dist/node/openrouter-keys.mjs",
    metafile: oneFile.metafile,
    most: most.oneFile,
  },
  { bundle: "function on Vercel", entry: vercel.entry, metafile: vercel.built.metafile, most: most.vercel },
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
const [packed] = await Promise.all(
  Object.keys(worker.metafile.outputs).map(async (file) => gzipSync(await readFile(file)).length),
);
table.push({ bundle: "function on Workers, gzip", "KB at start": packed / 1000, "KB at most": most.worker / 1000 });
if (packed > most.worker) throw new Error(`The Worker has ${packed} bytes, ${most.worker} at most.`);
console.table(table);
