const patterns = [
  [/^\/keys$/, "/keys"],
  [/^\/keys\/[^/]+$/, "/keys/{hash}"],
  [/^\/guardrails\/[^/]+\/assignments\/keys$/, "/guardrails/{id}/assignments/keys"],
] as const;

/** The pattern of an address below the API's base. A closed list: whatever is not on it is "other", and no id gets out. */
export function pathPattern(baseUrl: string, url: string): string {
  const path = (url.startsWith(baseUrl) ? url.slice(baseUrl.length) : url).replace(/\?.*$/, "");
  return patterns.find(([pattern]) => pattern.test(path))?.[1] ?? "other";
}
