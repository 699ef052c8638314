import * as z from "zod/mini";

import { createJsonClient } from "../adapters/json-client.ts";
import { paths } from "../contract/paths.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";
import type { DoctorMeans } from "./means.ts";

const Health = z.object({ status: z.enum(["ok", "degraded"]), reasons: z._default(z.array(z.string()), []) });

/** The addresses that are ours or only listen: the function's own, and a collector's. */
export async function checkAddresses(
  settings: Pick<Settings, "publicUrl" | "telemetryEndpoint">,
  means: DoctorMeans,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { publicUrl, telemetryEndpoint } = settings;
  const checks = await Promise.all([
    checkPublicUrl(publicUrl, means, signal),
    telemetryEndpoint === undefined ? undefined : checkCollector(telemetryEndpoint, means, signal),
  ]);
  return checks.flatMap((check) => check ?? []);
}

async function checkPublicUrl(publicUrl: string, means: DoctorMeans, signal: AbortSignal): Promise<Check> {
  const about = "PUBLIC_URL";
  const client = createJsonClient({ ...means, name: "PUBLIC_URL", timeoutMs: 5_000 });
  const reply = await client.ask({ method: "GET", url: `${publicUrl}${paths.health}`, headers: {} }, signal);
  if (reply.kind === "failed") {
    return hint(
      about,
      `Nothing answers at ${publicUrl}.`,
      "If the function runs already, send this address to it: DNS, the reverse proxy or the host's own routes.",
    );
  }
  const health = Health.safeParse(reply.body);
  if (!health.success) {
    return fault(
      about,
      `Something else answers at ${publicUrl}${paths.health} (${reply.status}).`,
      "Correct PUBLIC_URL, with the path if the function has one, or send the address to the function.",
    );
  }
  if (health.data.status === "degraded") {
    return hint(
      about,
      `The function answers there, and says: ${health.data.reasons.join(" ")}`,
      "See to what it says.",
    );
  }
  return publicUrl.startsWith("https:")
    ? good(about, "The function answers there, and is well.")
    : hint(
        about,
        "The function answers there, but only people on this machine can reach it.",
        "Give the https address under which your people's browsers reach it.",
      );
}

async function checkCollector(endpoint: string, means: DoctorMeans, signal: AbortSignal): Promise<Check> {
  const about = "OTEL_EXPORTER_OTLP_ENDPOINT";
  try {
    const answer = await means.fetch(endpoint, {
      method: "GET",
      headers: {},
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
    });
    await answer.text();
    return good(about, "Something listens there.");
  } catch {
    return hint(
      about,
      "Nothing answers there, so nothing that is measured arrives.",
      "Start the collector, or correct the address; OTLP over HTTP is usually port 4318.",
    );
  }
}
