// The Build Output as Vercel serves it, on loopback, as far as this function needs it: the routes of its config.json, and
// the handler that a function's .vc-config.json names, called with Node's request and response. It imitates neither
// Vercel's network nor how instances are put to sleep.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import * as z from "zod/mini";

const Config = z.object({
  version: z.literal(3),
  routes: z.array(z.object({ src: z.string(), dest: z.string() })),
  crons: z.array(z.object({ path: z.string(), schedule: z.string() })),
});
const FunctionConfig = z.object({
  runtime: z.string().check(z.regex(/^nodejs\d+\.x$/)),
  handler: z.string(),
  launcherType: z.literal("Nodejs"),
  shouldAddHelpers: z.literal(false),
  supportsResponseStreaming: z.literal(true),
  maxDuration: z.number().check(z.lte(300)),
});

const output = process.argv[2] ?? "";
const read = async (...path: readonly string[]): Promise<unknown> =>
  JSON.parse(await readFile(join(output, ...path), "utf8"));
const config = Config.parse(await read("config.json"));
const routes = await Promise.all(
  config.routes.map(async ({ src, dest }) => {
    const folder = join("functions", `${dest}.func`);
    const { handler } = FunctionConfig.parse(await read(folder, ".vc-config.json"));
    const loaded: unknown = await import(pathToFileURL(resolve(output, folder, handler)).href);
    return { pattern: new RegExp(`^(?:${src})$`), handle: z.object({ default: z.function() }).parse(loaded).default };
  }),
);

const server = createServer((request, response) => {
  const path = request.url?.split("?")[0] ?? "/";
  const route = routes.find(({ pattern }) => pattern.test(path));
  if (route === undefined) {
    response.writeHead(404).end();
    return;
  }
  // Vercel writes this one itself, whatever the caller sent.
  request.headers["x-vercel-forwarded-for"] = request.socket.remoteAddress ?? "";
  Reflect.apply(route.handle, undefined, [request, response]);
});
server.listen(Number(process.env["PORT"]), "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${process.env["PORT"]}\n`);
});
process.once("SIGTERM", () => process.exit(0));
