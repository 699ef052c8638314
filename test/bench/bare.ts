// What a start is held against: Hono and a database, PostgreSQL or an embedded one that is there already, and nothing else.
import { createServer } from "node:http";

import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono/tiny";
import postgres from "postgres";

const { DATABASE_URL: url, DATA_DIR: folder = "" } = process.env;
const look = url === undefined ? await embedded() : server(url);

async function embedded(): Promise<() => Promise<unknown>> {
  const client = await PGlite.create(`${folder}/database`, { extensions: { pg_trgm } });
  return () => client.query("select 1");
}

function server(address: string): () => Promise<unknown> {
  const sql = postgres(address, { max: 1, fetch_types: false });
  return () => sql`select 1`;
}

const app = new Hono().get("/v1/health", async (context) => {
  await look();
  return context.json({ status: "ok" });
});
const listener = createServer(getRequestListener(app.fetch));
listener.listen(0, "127.0.0.1", () => {
  const address = listener.address();
  process.stdout.write(`listening on http://127.0.0.1:${typeof address === "object" ? address?.port : ""}\n`);
});
process.once("SIGTERM", () => process.exit(0));
