import type { Account } from "../../functions/contract/account.ts";
import type { FunctionAddress } from "./function-address.ts";

/** A session token welded to the only address it may be sent to. */
export interface Access {
  readonly address: FunctionAddress;
  /** Opaque, `ors_…`. Never logged, never shown. */
  readonly token: string;
  readonly account: Account;
}

export interface AccessToken {
  /** Never asks the person anything. Undefined when nobody is signed in at the address that is set. */
  existing(): Promise<Access | undefined>;
  /**
   * Only on a person's action: may show a dialog and open the browser. Throws CancelledError when the person declines,
   * UserError when it fails.
   */
  ask(options?: AskOptions): Promise<Access>;
}

export interface AskOptions {
  /** Signs in again although there is a session, and says why. */
  readonly fresh?: boolean;
  /** With a code that the browser shows, for browsers that do not find their way back. */
  readonly byCode?: boolean;
}
