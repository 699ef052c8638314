import type { Access } from "../account/access-token.ts";
import type { AddressReading, FunctionAddress } from "../account/function-address.ts";
import type { SessionStore } from "../account/session.ts";
import type { SecretVault } from "./secret-vault.ts";

export interface ServedKey {
  readonly accountId: string;
  readonly keyId: string;
  readonly secret: string;
}

/** The one key that tools get through the key helper. */
export interface ToolsKeyChoice {
  /** Its id, when it belongs to this account. */
  read(access: Access): Promise<string | undefined>;
  use(access: Access, keyId: string): Promise<void>;
  /** Nothing is served any more. */
  forget(address: FunctionAddress): Promise<void>;
  /**
   * What the key helper serves, read anew each time: undefined when nothing is set up, nobody is known here (signed
   * out, offboarded), or somebody else has signed in. An expired session still serves: the key has its own limit and
   * expiry, and the function ends it when the person leaves.
   */
  served(): Promise<ServedKey | undefined>;
  /** The secret of that alone. */
  readonly readSecret: () => Promise<string | undefined>;
}

interface ToolsKeyDeps {
  readonly address: () => AddressReading;
  readonly vault: SecretVault;
  readonly sessions: Pick<SessionStore, "read">;
}

export function createToolsKeyChoice({ address: addressNow, vault, sessions }: ToolsKeyDeps): ToolsKeyChoice {
  async function served(): Promise<ServedKey | undefined> {
    const reading = addressNow();
    if (reading.kind !== "address") return undefined;
    const { address } = reading;
    const [chosen, session] = await Promise.all([vault.toolsKey.read(address), sessions.read(address)]);
    if (chosen === undefined || session.kind === "signed-out") return undefined;
    if (session.account.id !== chosen.accountId) return undefined;
    const secret = await vault.secrets.read(address, chosen.keyId);
    return secret === undefined ? undefined : { ...chosen, secret };
  }

  return {
    read: async ({ address, account }) => {
      const chosen = await vault.toolsKey.read(address);
      return chosen?.accountId === account.id ? chosen.keyId : undefined;
    },
    use: ({ address, account }, keyId) => vault.toolsKey.put(address, { keyId, accountId: account.id }),
    forget: (address) => vault.toolsKey.forget(address),
    served,
    readSecret: async () => (await served())?.secret,
  };
}
