/**
 * The sign-in issuers whose habits differ from the standard, or whose claims need rules of their own. Everything else,
 * Keycloak and Auth0 among them, is "other" and held to the standard.
 */
export const issuerKinds = ["google", "entra", "okta", "other"] as const;
export type IssuerKind = (typeof issuerKinds)[number];

/** Where everybody's personal Microsoft account lives. */
const consumerTenant = "9188040d-6c67-4c5b-b112-36a304b66dad";
const guid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** The kind of a well-known address; "other" for everything else, also for a well-known service on a domain of one's own. */
export function kindOfIssuer(issuer: string): IssuerKind {
  const host = /^https:\/\/([^/:?#]+)/.exec(issuer)?.[1]?.toLowerCase() ?? "";
  if (host === "accounts.google.com") return "google";
  if (/^(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net)$/.test(host)) {
    return "entra";
  }
  return /\.(?:okta|oktapreview|okta-emea|okta-gov)\.com$/.test(host) ? "okta" : "other";
}

export function isGuid(text: string): boolean {
  return new RegExp(`^${guid}$`, "i").test(text);
}

/**
 * The one tenant that an Entra issuer speaks for; undefined for `common`, `organizations`, `consumers` and the tenant of
 * personal accounts: those let anybody in, with whatever e-mail their own administrator wrote down.
 */
export function entraTenant(issuer: string): string | undefined {
  const tenant = new RegExp(`/(${guid})/v2\\.0$`).exec(issuer)?.[1];
  return tenant === consumerTenant ? undefined : tenant;
}
