import { spawn } from "node:child_process";

/** Types, layers, lint, format, unused code and migrations, in seconds and without a network or a database. */
const checks: readonly (readonly [name: string, command: string, ...words: string[]])[] = [
  ["types and layers", "tsc", "-b"],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["format", "oxfmt", "--check"],
  ["unused code", "knip", "--no-progress"],
];

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, words: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data: Buffer) => (output += data.toString()));
    child.stderr.on("data", (data: Buffer) => (output += data.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, output }));
  });
}

let failed = 0;
function conclude(name: string, begun: number, isOk: boolean, output: string): void {
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${isOk ? "✔" : "✘"} ${name} (${seconds} s)`);
  if (isOk) return;
  failed += 1;
  console.log(output);
}

for (const [name, command, ...words] of checks) {
  const begun = performance.now();
  const { code, output } = await run(command, words);
  conclude(name, begun, code === 0, output);
}

const begun = performance.now();
const generated = await run("drizzle-kit", ["generate", "--config", "functions/drizzle.config.ts"]);
const isCurrent = generated.code === 0 && generated.output.includes("No schema changes");
conclude(
  "migrations",
  begun,
  isCurrent,
  `${generated.output}\nThe schema has changed: commit the migration that was made just now.`,
);
process.exitCode = failed === 0 ? 0 : 1;
