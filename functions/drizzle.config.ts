import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: ["./functions/adapters/postgres/schema.ts", "./functions/adapters/postgres/nightly-schema.ts"],
  out: "./functions/adapters/postgres/migrations",
  casing: "snake_case",
});
