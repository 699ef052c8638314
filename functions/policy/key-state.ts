/** The facts of a key row that decide what its owner sees. Times in milliseconds since the epoch. */
export interface KeyFacts {
  readonly lifecycle: "reserved" | "live" | "ended";
  readonly endedAs: "deleted" | "gone" | "revoked" | "released" | null;
  readonly disabled: boolean;
  readonly expiresAt: number;
}

export type OwnedKeyState = "active" | "disabled" | "revoked" | "expired" | "gone";

/** What a key is to its owner; undefined for one they never got or have deleted. */
export function keyState(facts: KeyFacts, now: number): OwnedKeyState | undefined {
  if (facts.lifecycle === "reserved") return undefined;
  if (facts.lifecycle === "ended") {
    return facts.endedAs === "gone" || facts.endedAs === "revoked" ? facts.endedAs : undefined;
  }
  if (facts.expiresAt <= now) return "expired";
  return facts.disabled ? "disabled" : "active";
}
