/** The messages of OpenRouter's specification; clients must not tell cases apart by them. */
export const messages = {
  badRequest: "Invalid request parameters",
  noCredential: "Missing Authentication header",
  unknownKey: "User not found.",
  // What OpenRouter says of these two is not on record, only that it answers 401.
  disabledKey: "This API key is disabled",
  expiredKey: "This API key has expired",
  accountOutOfCredit: "Insufficient credits. Add more using https://openrouter.ai/credits",
  managementOnly: "Only management keys can perform this operation",
  notFound: "Resource not found",
  rateLimit: "Rate limit exceeded",
  serverError: "Internal Server Error",
} as const;

/** A JSON answer. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

/** What an error answer may carry beside its status and message. */
export interface RefusalExtras {
  readonly metadata?: Record<string, unknown>;
  readonly userId?: string;
  readonly headers?: Record<string, string>;
}

/** An error answer in the envelope of the asked path: Anthropic's under /messages, OpenRouter's elsewhere. */
export function refusal(path: string, status: number, message: string, extras: RefusalExtras = {}): Response {
  if (isMessagesPath(path)) return answer(status, anthropicError(status, message), extras.headers);
  const body = {
    error: { message, code: status, ...(extras.metadata === undefined ? {} : { metadata: extras.metadata }) },
    ...(extras.userId === undefined ? {} : { user_id: extras.userId }),
  };
  return answer(status, body, extras.headers);
}

/** Whether the path is of Anthropic's protocol. */
export function isMessagesPath(path: string): boolean {
  return path === "/api/v1/messages" || path.startsWith("/api/v1/messages/");
}

/** Whether the path asks a model, rather than manages keys. */
export function isInferencePath(path: string): boolean {
  return path === "/api/v1/chat/completions" || path === "/api/v1/responses" || isMessagesPath(path);
}

const anthropicTypes = new Map([
  [400, ["invalid_request_error", "invalid_request"]],
  [401, ["authentication_error", "authentication"]],
  [402, ["billing_error", "payment_required"]],
  [403, ["permission_error", "permission_denied"]],
  [404, ["not_found_error", "not_found"]],
  [429, ["rate_limit_error", "rate_limit_exceeded"]],
  [529, ["overloaded_error", "provider_overloaded"]],
]);

function anthropicError(status: number, message: string): unknown {
  const [type, errorType] = anthropicTypes.get(status) ?? ["api_error", "server"];
  return { type: "error", error: { type, message, error_type: errorType }, request_id: null };
}
