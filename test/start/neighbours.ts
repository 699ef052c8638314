import type { Environment } from "../support/function-process.ts";
import { startIssuer } from "../support/issuer/issuer.ts";
import { startOpenRouter } from "../support/openrouter/stand-in.ts";

/** What the function needs around it; a stand-in on this machine wherever no real service is named. */
export interface Neighbours {
  /** Settings of the function that lead to the stand-ins. */
  readonly settings: Environment;
  /** The base address of OpenRouter for keys and tools, `…/api/v1`. */
  readonly openRouterUrl: string;
  /** Whether it is a stand-in, and nothing costs money. */
  readonly isOpenRouterStandIn: boolean;
  readonly isIssuerStandIn: boolean;
  readonly stop: () => Promise<void>;
}

export interface Ports {
  readonly function: number;
  readonly issuer: number;
  readonly openRouter: number;
}

/** Real services are used for each of these settings that is given. */
export async function startNeighbours(
  given: Readonly<Record<string, string | undefined>>,
  ports: Ports,
): Promise<Neighbours> {
  const stops: (() => Promise<void>)[] = [];
  const settings: Record<string, string> = {};
  let openRouterUrl = given["OPENROUTER_BASE_URL"] ?? "https://openrouter.ai/api/v1";

  const isOpenRouterStandIn = given["OPENROUTER_MANAGEMENT_KEY"] === undefined;
  if (isOpenRouterStandIn) {
    const openRouter = await startOpenRouter({ port: ports.openRouter });
    stops.push(openRouter.stop);
    settings["OPENROUTER_MANAGEMENT_KEY"] = openRouter.managementKey;
    settings["OPENROUTER_BASE_URL"] = openRouter.apiUrl;
    openRouterUrl = openRouter.apiUrl;
  }

  const isIssuerStandIn = given["OIDC_ISSUER"] === undefined && given["GITHUB_APP_CLIENT_ID"] === undefined;
  if (isIssuerStandIn) {
    const issuer = await startIssuer({
      port: ports.issuer,
      redirectUris: [`http://127.0.0.1:${ports.function}/v1/auth/callback`],
    });
    stops.push(issuer.stop);
    settings["OIDC_ISSUER"] = issuer.url;
    settings["OIDC_CLIENT_ID"] = issuer.clientId;
    settings["OIDC_CLIENT_SECRET"] = issuer.clientSecret;
    settings["ALLOWED_DOMAINS"] = "example.com";
    settings["ADMIN_EMAILS"] = "ada@example.com";
  }

  return {
    settings,
    openRouterUrl,
    isOpenRouterStandIn,
    isIssuerStandIn,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}
