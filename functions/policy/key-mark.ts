/**
 * The name a key carries at OpenRouter: what people read, then a mark by which a key whose answer was lost is found
 * again. The mark names the deployment, so that two functions sharing an OpenRouter account never touch each other's
 * keys, then our key's id and the attempt, so that a late answer of an abandoned attempt is told from the real key.
 */
export interface KeyMark {
  /** 8 lower-case hex digits. */
  readonly deployment: string;
  /** A UUID. */
  readonly keyId: string;
  /** From 1. */
  readonly attempt: number;
}

const markPattern = /\[ork-([0-9a-f]{8})-([0-9a-f]{32})-([1-9][0-9]{0,5})\]$/;

export function upstreamName(name: string, email: string, mark: KeyMark): string {
  return `${name} (${email}) [ork-${mark.deployment}-${mark.keyId.replaceAll("-", "")}-${mark.attempt}]`;
}

/** The mark in a key's upstream name, or undefined for a key that no function made. */
export function readMark(name: string): KeyMark | undefined {
  const [, deployment, id, attempt] = markPattern.exec(name) ?? [];
  if (deployment === undefined || id === undefined || attempt === undefined) return undefined;
  const keyId = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join("-");
  return { deployment, keyId, attempt: Number(attempt) };
}
