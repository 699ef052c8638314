import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import * as z from "zod/mini";

import { packExtension } from "./vsix.ts";

const { name, version } = z
  .object({ name: z.string(), version: z.string() })
  .parse(JSON.parse(await readFile("package.json", "utf8")));
const vsix = `dist/${name}-${version}.vsix`;
await packExtension(vsix);
const packed = await readFile(vsix);
console.log(`${vsix}: ${Math.round(packed.length / 1_000)} KB`);
console.log(`SHA-256 ${createHash("sha256").update(packed).digest("hex")}`);
