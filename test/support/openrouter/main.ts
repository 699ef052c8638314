import { parseArgs } from "node:util";

import { startOpenRouter } from "./stand-in.ts";

const { values } = parseArgs({ options: { port: { type: "string" }, "management-key": { type: "string" } } });
const port = Number(values.port ?? 0);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error("--port must be a port number");
  process.exit(2);
}

const managementKey = values["management-key"];
const standIn = await startOpenRouter({ port, ...(managementKey === undefined ? {} : { managementKey }) });
for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void standIn.stop());
console.log(`stand-in for OpenRouter on ${standIn.apiUrl}`);
