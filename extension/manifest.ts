/** The names that package.json declares and the code uses. A test holds the two equal. */

export const commandIds = [
  "openrouterKeys.createKey",
  "openrouterKeys.signIn",
  "openrouterKeys.signInWithCode",
  "openrouterKeys.signOut",
  "openrouterKeys.showSignIns",
  "openrouterKeys.rotateKey",
  "openrouterKeys.disableKey",
  "openrouterKeys.enableKey",
  "openrouterKeys.deleteKey",
  "openrouterKeys.renameKey",
  "openrouterKeys.configureTools",
  "openrouterKeys.undoTools",
  "openrouterKeys.toolsWhileClosed",
  "openrouterKeys.showSpend",
  "openrouterKeys.refresh",
  "openrouterKeys.admin.approveRun",
  "openrouterKeys.admin.showMore",
  "openrouterKeys.admin.refresh",
] as const;
export type CommandId = (typeof commandIds)[number];

export const settingIds = ["openrouterKeys.functionUrl", "openrouterKeys.openRouterUrl"] as const;
export type SettingId = (typeof settingIds)[number];

export const viewContainerId = "openrouterKeys";
export const keysViewId = "openrouterKeys.keys";
export const adminViewId = "openrouterKeys.admin";
export const authenticationId = "openrouter-keys";
export const spendStatusId = "openrouterKeys.spend";

/** What `when` clauses may ask. `state` is what the keys view shows: its welcome text depends on it. */
export interface Contexts {
  readonly "openrouterKeys.state":
    | "loading"
    | "no-address"
    | "bad-address"
    | "signed-out"
    | "empty"
    | "listed"
    | "failed";
  readonly "openrouterKeys.signedIn": boolean;
  /** The session ended by itself: there is still something to sign out of. */
  readonly "openrouterKeys.sessionExpired": boolean;
  /** What the function said last of whoever is signed in; false until it has. */
  readonly "openrouterKeys.isAdmin": boolean;
  /** What the administrators' view shows: its welcome text depends on it. */
  readonly "openrouterKeys.adminState": "loading" | "sign-in" | "empty" | "listed";
  /** There is a tool on this machine that was set up and can be undone. */
  readonly "openrouterKeys.toolsConfigured": boolean;
}

export const contextDefaults: Contexts = {
  "openrouterKeys.state": "loading",
  "openrouterKeys.signedIn": false,
  "openrouterKeys.sessionExpired": false,
  "openrouterKeys.isAdmin": false,
  "openrouterKeys.adminState": "loading",
  "openrouterKeys.toolsConfigured": false,
};
