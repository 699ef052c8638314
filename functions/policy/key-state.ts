import type { Phase } from "./key-phase.ts";

/** The facts of a key row that decide what its owner sees. Times in milliseconds since the epoch. */
export interface KeyFacts {
  readonly phase: Phase;
  readonly disabled: boolean;
  readonly expiresAt: number;
}

export type OwnedKeyState = "active" | "disabled" | "retiring" | "revoked" | "expired" | "gone";

/** What a key is to its owner; undefined for one they never got, have deleted or have replaced. */
export function keyState(facts: KeyFacts, now: number): OwnedKeyState | undefined {
  switch (facts.phase) {
    case "reserved":
    case "released":
    case "deleted":
    case "retired":
    case "erased":
      return undefined;
    case "gone":
    case "expired":
      return facts.phase;
    case "revoking":
    case "revoked":
      return "revoked";
    case "live":
    case "retiring":
      if (facts.expiresAt <= now) return "expired";
      if (facts.disabled) return "disabled";
      return facts.phase === "retiring" ? "retiring" : "active";
  }
}
