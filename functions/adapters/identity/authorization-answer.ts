import { IssuerError } from "../../services/identity-issuer.ts";

/** The code in what the browser brought back (RFC 6749 4.1.2). Throws IssuerError. */
export function readCode(parameters: URLSearchParams): string {
  const error = parameters.get("error");
  if (error === "access_denied") throw new IssuerError("cancelled", "The person or the issuer denied access.");
  if (error !== null) throw new IssuerError("refused", "The issuer answered with an error.");
  const codes = parameters.getAll("code");
  const [code] = codes;
  if (code === undefined || code === "" || codes.length !== 1) {
    throw new IssuerError("refused", "The issuer answered without a code.");
  }
  return code;
}

/**
 * RFC 9207. An answer of another issuer is refused even as an error: it was not this one that spoke (mix-up). Where
 * the issuer promises to name itself, silence is refused too.
 */
export function requireIssuer(parameters: URLSearchParams, issuer: string, statesIssuer: boolean): void {
  const stated = parameters.getAll("iss");
  if (stated.length === 0 ? statesIssuer : stated.some((name) => name !== issuer)) {
    throw new IssuerError("refused", "The answer does not come from the configured issuer.");
  }
}
