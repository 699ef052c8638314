import { randomUUID } from "node:crypto";

import { exportJWK, generateKeyPair } from "jose";
import * as z from "zod/mini";

import type { Postgres } from "../support/postgres/postgres.ts";
import { startPostgres } from "../support/postgres/postgres.ts";
import type { Company } from "./company.ts";
import { addressOf, domain, seedCompany, tokenOf } from "./company.ts";
import type { Call, Load } from "./load.ts";
import { createLoad } from "./load.ts";
import type { Server } from "./processes.ts";
import { startServer } from "./processes.ts";
import type { UpstreamOrders } from "./upstream.ts";

/** What all measures need: PostgreSQL and what answers as OpenRouter does. */
export interface Stage {
  /** A company with a function process and a floor process of its own, on one database. */
  readonly open: (company: Company, environment?: Readonly<Record<string, string>>) => Promise<Scene>;
  /** An empty database; its connection string. */
  readonly createDatabase: () => Promise<string>;
  /** Where OpenRouter and the directory answer. */
  readonly origin: string;
  readonly upstream: Load;
  readonly order: (orders: Partial<UpstreamOrders>) => Promise<void>;
  /** The hashes of the keys that were disabled at OpenRouter. */
  readonly disabled: () => Promise<readonly string[]>;
  /** The calls that have come in since it was last asked, by method and path pattern. */
  readonly calls: () => Promise<Readonly<Record<string, number>>>;
  readonly close: () => Promise<void>;
}

export interface Scene {
  readonly databaseUrl: string;
  readonly product: Load;
  readonly floor: Load;
  /** Watches the function's memory; what is returned ends that and gives the most there was, in MB. */
  readonly watchMemory: () => () => Promise<number>;
  readonly close: () => Promise<void>;
}

const Hashes = z.array(z.string());
const Calls = z.record(z.string(), z.number());
/** As many requests in flight as any measure has. */
export const mostInFlight = 32;

export async function openStage(): Promise<Stage> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of opened.toReversed()) await end();
  };
  try {
    const postgres = await startPostgres();
    opened.push(postgres.stop);
    const server = await startServer("test/bench/upstream.ts", {});
    opened.push(server.stop);
    const upstream = createLoad(server.url, mostInFlight);
    opened.push(upstream.close);
    return {
      open: (company, environment = {}) => openScene(company, postgres, `${server.url}/api/v1`, environment),
      createDatabase: () => postgres.createDatabase(),
      origin: server.url,
      upstream,
      async order(orders) {
        await upstream.read({ method: "POST", path: "/orders", body: JSON.stringify(orders) });
      },
      disabled: async () => Hashes.parse(await upstream.read({ method: "GET", path: "/disabled" })),
      calls: async () => Calls.parse(await upstream.read({ method: "GET", path: "/calls" })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A plan that nothing measured runs into: what is measured is the work, not the refusals. */
const plans = [
  {
    match: "everyone",
    maxKeys: 100_000,
    budgetUsd: 1_000_000,
    defaultKeyUsd: 0.01,
    maxKeyUsd: 1,
    createsPerHour: 100_000,
  },
];

async function openScene(
  company: Company,
  postgres: Postgres,
  upstreamUrl: string,
  further: Readonly<Record<string, string>>,
): Promise<Scene> {
  const databaseUrl = await postgres.createDatabase();
  const servers: Server[] = [];
  try {
    const environment = { DATABASE_URL: databaseUrl, OPENROUTER_BASE_URL: upstreamUrl };
    const product = await startServer("functions/targets/node.ts", {
      ...environment,
      PORT: "0",
      OPENROUTER_MANAGEMENT_KEY: "bench",
      OIDC_ISSUER: "https://issuer.example.com",
      OIDC_CLIENT_ID: "bench",
      OIDC_CLIENT_SECRET: "bench",
      ALLOWED_DOMAINS: domain,
      ADMIN_EMAILS: Array.from({ length: admins }, (_, index) => `person-${index + 1}@${domain}`).join(","),
      PLANS: JSON.stringify(plans),
      ...further,
    });
    servers.push(product);
    await seedCompany(databaseUrl, company);
    const floor = await startServer("test/bench/floor.ts", environment);
    servers.push(floor);
    const loads = [createLoad(product.url, mostInFlight), createLoad(floor.url, mostInFlight)] as const;
    return {
      databaseUrl,
      product: loads[0],
      floor: loads[1],
      watchMemory: () => watch(product),
      async close() {
        await Promise.all(loads.map((load) => load.close()));
        await Promise.all(servers.map((server) => server.stop()));
      },
    };
  } catch (error) {
    await Promise.all(servers.map((server) => server.stop()));
    throw error;
  }
}

function watch(server: Server): () => Promise<number> {
  let most = 0;
  let looking = Promise.resolve();
  const look = async () => {
    most = Math.max(most, await server.memory());
  };
  const timer = setInterval(() => (looking = look()), 50);
  return async () => {
    clearInterval(timer);
    await looking;
    await look();
    return most;
  };
}

/** The first people of each company are administrators. */
const admins = 20;

/** Calls of one person after the other, so that nobody's rate is reached. */
export interface Callers {
  readonly create: () => Call;
  readonly list: () => Call;
  readonly adminPage: () => Call;
}

export async function createCallers(people: number): Promise<Callers> {
  const { publicKey } = await generateKeyPair("ECDH-ES", { crv: "P-256", extractable: true });
  const { x = "", y = "" } = await exportJWK(publicKey);
  const body = JSON.stringify({ name: "laptop", recipient: { kty: "EC", crv: "P-256", x, y } });
  let turn = 0;
  const headers = (among: number) => {
    const person = 1 + (turn++ % among);
    return { Authorization: `Bearer ${tokenOf(person)}`, "X-Forwarded-For": addressOf(person) };
  };
  return {
    create: () => ({
      method: "POST",
      path: "/v1/keys",
      headers: { ...headers(people), "Content-Type": "application/json", "Idempotency-Key": randomUUID() },
      body,
    }),
    list: () => ({ method: "GET", path: "/v1/keys", headers: headers(people) }),
    adminPage: () => ({ method: "GET", path: "/v1/admin/keys", headers: headers(Math.min(people, admins)) }),
  };
}
