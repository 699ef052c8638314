import type { AddressReading, FunctionAddress } from "../account/function-address.ts";
import type { OtherAddresses } from "../account/other-addresses.ts";
import type { Dialogs } from "./dialogs.ts";

interface LeaveAddressDeps {
  readonly address: () => AddressReading;
  readonly others: OtherAddresses;
  readonly dialogs: Pick<Dialogs, "warn" | "confirm" | "info">;
  /** Writes the person's own setting. */
  readonly setAddress: (base: string) => Promise<void>;
}

export interface LeavingAddress {
  /**
   * Asks what is to become of an address that is not set any more, where something is kept for it. Not modal: the
   * setting changes with every letter that is typed. One question at a time.
   */
  ask(): Promise<void>;
  /** Before anybody signs in at another address. True when nothing is left of an earlier one. */
  mayLeave(next: FunctionAddress): Promise<boolean>;
}

const forget = "Sign Out and Forget";

export function createLeavingAddress({ address, others, dialogs, setAddress }: LeaveAddressDeps): LeavingAddress {
  let isAsking = false;
  /** What the person did not want to be asked about; who signs in elsewhere is asked all the same. */
  let dismissed = "";

  async function askOnce(): Promise<void> {
    const [base, ...further] = await others.list();
    if (base === undefined) return;
    const known = [base, ...further].join(" and ");
    if (known === dismissed) return;
    const back = further.length === 0 ? ["Change It Back"] : [];
    const message =
      `The address of your company's function has changed. ${known} is not used any more: your coding tools get no key ` +
      "of it. Sign out there, and forget the secrets of its keys?";
    const pressed = await dialogs.warn(message, forget, ...back);
    if (pressed === undefined) {
      dismissed = known;
      return;
    }
    if (pressed !== forget) {
      await setAddress(base);
      return;
    }
    const left = await others.list();
    await others.forget();
    if (left.length > 0) void dialogs.info(`Signed out at ${left.join(" and ")}.`);
  }

  return {
    ask: async () => {
      if (isAsking) return;
      isAsking = true;
      try {
        await askOnce();
      } finally {
        isAsking = false;
      }
    },
    mayLeave: async ({ base }) => {
      const left = await others.list();
      if (left.length === 0) {
        // Nothing to ask about; what a broken sign-in has left goes.
        await others.forget();
        return true;
      }
      const detail =
        `This signs you out at ${left.join(" and ")}. Its keys go on existing, but their secrets are forgotten in this ` +
        "editor, so that coding tools cannot use them any more.";
      const reading = address();
      // Asked for the address that is set at this moment and no other.
      if (reading.kind !== "address" || reading.address.base !== base) return false;
      if (!(await dialogs.confirm(`Sign in at ${base}?`, detail, "Sign In"))) return false;
      await others.forget();
      return true;
    },
  };
}
