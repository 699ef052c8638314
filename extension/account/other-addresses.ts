/**
 * What rests in secret storage for functions other than the one whose address is set. Nothing of it is served or sent
 * anywhere, since everything is read by the address; this is about not keeping it for ever.
 */
import type { Log } from "../base/log.ts";
import type { SecretStore } from "../base/secret-store.ts";
import { type AddressReading, readFunctionAddress } from "./function-address.ts";
import type { FunctionClient } from "./function-client.ts";
import type { SessionStore } from "./session.ts";
import { signOut } from "./sign-out.ts";

export interface OtherAddresses {
  /**
   * Their bases. Read live: another window may have settled it. A sign-in that was broken off is no reason to ask about
   * an address.
   */
  list(): Promise<readonly string[]>;
  /** Signs out there, as far as the function can be reached, and forgets sessions, secrets, creates and sign-ins under way. */
  forget(): Promise<void>;
}

interface OtherAddressesDeps {
  readonly address: () => AddressReading;
  readonly store: SecretStore;
  readonly sessions: SessionStore;
  readonly client: FunctionClient;
  readonly log: Log;
}

/** Every name that says an address has it as its second word: no address has a blank in it. */
const bound = /^(?:session|sign-in|secret|pending|tools-key) (\S+)(?: |$)/;

export function createOtherAddresses(deps: OtherAddressesDeps): OtherAddresses {
  const { store } = deps;

  async function names(): Promise<readonly (readonly [name: string, base: string])[]> {
    const reading = deps.address();
    const own = reading.kind === "address" ? reading.address.base : undefined;
    return (await store.keys()).flatMap((name) => {
      const base = bound.exec(name)?.[1];
      return base === undefined || base === own ? [] : [[name, base] as const];
    });
  }

  const basesOf = (found: Awaited<ReturnType<typeof names>>): readonly string[] => [
    ...new Set(found.map(([, base]) => base)),
  ];

  return {
    list: async () => basesOf((await names()).filter(([name]) => !name.startsWith("sign-in "))),
    forget: async () => {
      const found = await names();
      const signingOut = basesOf(found).map(async (base) => {
        const reading = readFunctionAddress(base);
        if (reading.kind === "address") await signOut(deps, reading.address);
      });
      for (const [name] of found) if (!name.startsWith("session ")) await store.delete(name);
      await Promise.all(signingOut);
      // A name that is no address any more has nobody to be told.
      for (const [name] of found) await store.delete(name);
    },
  };
}
