/**
 * The last guard before a line reaches the log. Nobody passes a secret to the log on purpose; this catches what
 * arrives inside somebody else's error message.
 */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\bors_[A-Za-z0-9_-]+/g, "ors_[redacted]"],
  [/\bsk-or-[A-Za-z0-9_-]+/g, "sk-or-[redacted]"],
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*/g, "[redacted JWT]"],
  [/\bBearer\s+(?!\[|ors_\[|sk-or-\[)[^\s"',;]+/gi, "Bearer [redacted]"],
  [/([?&#](?:code|state|code_challenge|code_verifier|access_token|token)=)[^&\s"']+/gi, "$1[redacted]"],
  [/("(?:code|codeVerifier|sessionToken|sealedSecret|d)"\s*:\s*")[^"]+/g, "$1[redacted]"],
  [/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, "[redacted address]"],
];

/** The text without session tokens, keys, JWTs, bearer headers, one-time codes and e-mail addresses. */
export function redact(text: string): string {
  return patterns.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text);
}
