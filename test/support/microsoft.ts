import { createServer } from "node:http";

import type { JWTPayload } from "jose";

import type { TokenSmith } from "./token-smith.ts";
import { createTokenSmith } from "./token-smith.ts";

export const tenantId = "11111111-2222-4333-8444-555555555555";
export const apiAudience = "33333333-2222-4333-8444-555555555555";
const editorClient = "aebc6443-996d-45c2-90f0-388ff96faa56";

/** Microsoft's sign-in as far as the keys of one tenant go, on loopback. */
export interface Microsoft {
  readonly url: string;
  readonly smith: TokenSmith;
  /** An access token for the function's API, as VS Code's own account gets it; `now` in ms. */
  readonly accessToken: (now: number, changes?: JWTPayload) => Promise<string>;
  /** Every path that was asked for. */
  readonly requests: readonly string[];
  /** Makes every request fail. */
  setBroken(isBroken: boolean): void;
  readonly stop: () => Promise<void>;
}

/** One for a whole process: making its key takes longer than most tests, and each start has an address of its own. */
let tenantSmith: TokenSmith | undefined;

export async function startMicrosoft(): Promise<Microsoft> {
  const smith = (tenantSmith ??= createTokenSmith("microsoft-1"));
  const requests: string[] = [];
  let isBroken = false;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("Microsoft got no port.");
  const url = `http://127.0.0.1:${address.port}`;
  const issuer = `${url}/${tenantId}/v2.0`;
  const documents: Readonly<Record<string, unknown>> = {
    [`/${tenantId}/v2.0/.well-known/openid-configuration`]: {
      issuer,
      authorization_endpoint: `${url}/${tenantId}/oauth2/v2.0/authorize`,
      token_endpoint: `${url}/${tenantId}/oauth2/v2.0/token`,
      jwks_uri: `${url}/${tenantId}/discovery/v2.0/keys`,
    },
    [`/${tenantId}/discovery/v2.0/keys`]: smith.jwks,
  };
  server.on("request", (request, response) => {
    requests.push(request.url ?? "");
    const document = documents[request.url ?? ""];
    response.writeHead(isBroken ? 503 : document === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(isBroken ? {} : (document ?? {})));
  });
  return {
    url,
    smith,
    requests,
    accessToken: (now, changes = {}) => {
      const seconds = Math.floor(now / 1000);
      return smith.sign({
        iss: issuer,
        aud: apiAudience,
        tid: tenantId,
        oid: "99999999-2222-4333-8444-555555555555",
        sub: "pairwise",
        iat: seconds,
        nbf: seconds,
        exp: seconds + 4_000,
        scp: "access",
        azp: editorClient,
        auth_time: seconds - 60,
        email: "ada@example.com",
        xms_edov: true,
        ...changes,
      });
    },
    setBroken: (next) => {
      isBroken = next;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
