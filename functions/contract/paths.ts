/** The function's routes. Constants, not inferred types: installed extensions lag the function for months. */
export const paths = {
  health: "/v1/health",
  authStart: "/v1/auth/start",
  authCallback: "/v1/auth/callback",
  authToken: "/v1/auth/token",
  /** As a redirect address: the code is shown to the person, who pastes it into the editor. */
  authCode: "/v1/auth/code",
  /** GET: whether and how the editor's Microsoft account signs people in; POST: does it. */
  authEntra: "/v1/auth/entra",
  session: "/v1/session",
  sessions: "/v1/sessions",
  ownSession: (id: string) => `/v1/sessions/${encodeURIComponent(id)}`,
  me: "/v1/me",
  keys: "/v1/keys",
  key: (id: string) => `/v1/keys/${encodeURIComponent(id)}`,
  keyReceived: (id: string) => `/v1/keys/${encodeURIComponent(id)}/received`,
  keyRotate: (id: string) => `/v1/keys/${encodeURIComponent(id)}/rotate`,
  raises: "/v1/raises",
  adminKeys: "/v1/admin/keys",
  adminKeysCsv: "/v1/admin/keys.csv",
  adminKey: (id: string) => `/v1/admin/keys/${encodeURIComponent(id)}`,
  adminRaises: "/v1/admin/raises",
  adminRaise: (id: string) => `/v1/admin/raises/${encodeURIComponent(id)}`,
  adminRuns: "/v1/admin/runs",
  adminRunApprove: (id: string) => `/v1/admin/runs/${encodeURIComponent(id)}/approve`,
  cronNightly: "/v1/cron/nightly",
  scim: "/scim/v2",
  adminAudit: "/v1/admin/audit",
  adminIdentities: "/v1/admin/identities",
  adminIdentity: (id: string) => `/v1/admin/identities/${encodeURIComponent(id)}`,
} as const;

/** `<publisher>.<name>` of the extension: the host of the redirect address that a desktop editor listens on. */
export const extensionId = "openrouter-keys.openrouter-keys";

/** The path of every redirect address: `vscode://<extensionId>/auth` and `http://127.0.0.1:<port>/auth`. */
export const redirectPath = "/auth";

/** Editors that register a URI scheme of their own and route `scheme://<extensionId>` to the extension. */
export const editorSchemes: readonly string[] = [
  "vscode",
  "vscode-insiders",
  "vscodium",
  "vscodium-insiders",
  "code-oss",
  "cursor",
  "windsurf",
  "kiro",
  "positron",
  "trae",
];
