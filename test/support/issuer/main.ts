// The stand-in issuer alone: `node test/support/issuer/main.ts --port N --redirect-uri U [--redirect-uri U2 …]`.
import { parseArgs } from "node:util";

import { startIssuer } from "./issuer.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "redirect-uri": { type: "string", multiple: true, default: [] },
    "client-id": { type: "string", default: "openrouter-keys" },
    "client-secret": { type: "string", default: "stand-in-secret" },
  },
});
const issuer = await startIssuer({
  port: Number(values.port),
  redirectUris: values["redirect-uri"],
  clientId: values["client-id"],
  clientSecret: values["client-secret"],
});
console.log(`listening on ${issuer.url} as issuer for client ${issuer.clientId} with secret ${issuer.clientSecret}`);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void issuer.stop());
