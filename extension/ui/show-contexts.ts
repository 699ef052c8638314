import type { KeyRingState } from "../keys/key-ring.ts";
import type { Contexts } from "../manifest.ts";

type OfKeys = "openrouterKeys.state" | "openrouterKeys.signedIn" | "openrouterKeys.sessionExpired";

/** What menus and the welcome text of the keys view may know of the state. */
export function contextsOf(state: KeyRingState): Pick<Contexts, OfKeys> {
  return {
    "openrouterKeys.state": viewState(state),
    "openrouterKeys.signedIn": state.kind === "ready" || state.kind === "failed",
    "openrouterKeys.sessionExpired": state.kind === "signed-out" && state.expired,
  };
}

function viewState(state: KeyRingState): Contexts["openrouterKeys.state"] {
  switch (state.kind) {
    case "loading":
    case "signed-out":
      return state.kind;
    case "no-address":
      return state.fault === undefined ? "no-address" : "bad-address";
    case "ready":
      return state.keys.length === 0 ? "empty" : "listed";
    case "failed":
      return state.previous === undefined ? "failed" : "listed";
  }
}
