/** The names that package.json declares and the code uses. A test holds the two equal. */

/** What only administrators can do. */
export const adminCommandIds = [
  "openrouterKeys.admin.approveRun",
  "openrouterKeys.admin.approveRaise",
  "openrouterKeys.admin.approveRaiseWithNote",
  "openrouterKeys.admin.refuseRaise",
  "openrouterKeys.admin.decideConflict",
  "openrouterKeys.admin.searchKeys",
  "openrouterKeys.admin.filterKeys",
  "openrouterKeys.admin.disableKey",
  "openrouterKeys.admin.enableKey",
  "openrouterKeys.admin.deleteKey",
  "openrouterKeys.admin.exportKeys",
  "openrouterKeys.admin.showMore",
  "openrouterKeys.admin.refresh",
] as const;
export type AdminCommandId = (typeof adminCommandIds)[number];

export const commandIds = [
  "openrouterKeys.createKey",
  "openrouterKeys.createKeyWithOptions",
  "openrouterKeys.signIn",
  "openrouterKeys.signInWithCode",
  "openrouterKeys.signOut",
  "openrouterKeys.showSignIns",
  "openrouterKeys.rotateKey",
  "openrouterKeys.disableKey",
  "openrouterKeys.enableKey",
  "openrouterKeys.deleteKey",
  "openrouterKeys.renameKey",
  "openrouterKeys.copySecret",
  "openrouterKeys.requestRaise",
  "openrouterKeys.configureTools",
  "openrouterKeys.undoTools",
  "openrouterKeys.useInChat",
  "openrouterKeys.stopInChat",
  "openrouterKeys.toolsWhileClosed",
  "openrouterKeys.showSpend",
  "openrouterKeys.refresh",
  ...adminCommandIds,
] as const;
export type CommandId = (typeof commandIds)[number];

export const settingIds = [
  "openrouterKeys.functionUrl",
  "openrouterKeys.openRouterUrl",
  "openrouterKeys.rotateExpiringKeys",
  "openrouterKeys.chat.enabled",
  "openrouterKeys.chat.models",
] as const;
export type SettingId = (typeof settingIds)[number];

/** What is to happen to keys that are about to expire. */
export const expiryModes = ["ask", "always", "never"] as const;
export type ExpiryMode = (typeof expiryModes)[number];

export const viewContainerId = "openrouterKeys";
export const keysViewId = "openrouterKeys.keys";
export const raisesViewId = "openrouterKeys.raises";
export const adminViewId = "openrouterKeys.admin";
export const authenticationId = "openrouter-keys";
/** The maker of models that the editor's chat knows us as: one for all extensions, and `openrouter` is taken. */
export const chatVendor = "openrouter-keys";
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
  readonly "openrouterKeys.adminState": "loading" | "sign-in" | "listed";
  /** There is a raise to show: one that waits, is in force or was refused lately. */
  readonly "openrouterKeys.hasRaises": boolean;
  /** There is a tool on this machine that was set up and can be undone. */
  readonly "openrouterKeys.toolsConfigured": boolean;
}

export const contextDefaults: Contexts = {
  "openrouterKeys.state": "loading",
  "openrouterKeys.signedIn": false,
  "openrouterKeys.sessionExpired": false,
  "openrouterKeys.isAdmin": false,
  "openrouterKeys.adminState": "loading",
  "openrouterKeys.hasRaises": false,
  "openrouterKeys.toolsConfigured": false,
};
