import assert from "node:assert/strict";

import { createSecretVault, type PendingKey } from "../../../extension/keys/secret-vault.ts";
import { MemorySecretStorage } from "../../support/memory-secret-storage.ts";

const here = { base: "https://keys.test/team", origin: "https://keys.test" };
const elsewhere = { base: "https://other.test", origin: "https://other.test" };
const secret = "sk-or-v1-1234";
const entry: PendingKey = {
  idempotencyKey: "0b5d1d7c-4b0c-4f0e-9a2f-6f0b7a3f9f11",
  accountId: "owner 1/ä",
  name: "laptop",
  body: "{}",
  privateKey: { kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" },
  createdAt: 5,
  discard: false,
};

describe("the secret vault", () => {
  it("keeps one entry per secret, named by the function's address and an id", async () => {
    const storage = new MemorySecretStorage();
    const vault = createSecretVault(storage);
    await vault.secrets.put(here, "key 1", secret);
    await vault.pending.put(here, entry);
    await vault.toolsKey.put(here, { keyId: "key 1", accountId: "owner-1" });
    assert.deepEqual(
      {
        names: [...storage.values.keys()],
        secretIn: [...storage.values.values()].filter((text) => text.includes(secret)).length,
      },
      {
        names: [
          "secret https://keys.test/team key%201",
          `pending https://keys.test/team owner%201%2F%C3%A4 ${entry.idempotencyKey}`,
          "tools-key https://keys.test/team",
        ],
        secretIn: 1,
      },
    );
  });

  it("gives back what was kept, at the same address and for the same account only", async () => {
    const vault = createSecretVault(new MemorySecretStorage());
    const older = { ...entry, idempotencyKey: "7d1f2b60-0c8e-4c5b-8d1a-2a1f5f6b7c88", createdAt: 4 };
    await vault.secrets.put(here, "key-1", secret);
    await vault.pending.put(here, entry);
    await vault.pending.put(here, older);
    assert.deepEqual(
      {
        secret: await vault.secrets.read(here, "key-1"),
        elsewhere: await vault.secrets.read(elsewhere, "key-1"),
        oldestFirst: await vault.pending.list(here, entry.accountId),
        prefixOfTheAccount: await vault.pending.list(here, "owner"),
        pendingElsewhere: await vault.pending.list(elsewhere, entry.accountId),
      },
      { secret, elsewhere: undefined, oldestFirst: [older, entry], prefixOfTheAccount: [], pendingElsewhere: [] },
    );
  });

  for (const corrupt of ["", "not JSON", "[]", '{"keyId":1}', "a secret\nwith a line break"]) {
    it(`reads the corrupt value ${JSON.stringify(corrupt)} as absent`, async () => {
      const storage = new MemorySecretStorage();
      const vault = createSecretVault(storage);
      await vault.secrets.put(here, "key-1", secret);
      await vault.pending.put(here, entry);
      await vault.toolsKey.put(here, { keyId: "key-1", accountId: "owner-1" });
      for (const name of storage.values.keys()) storage.values.set(name, corrupt);
      const readSecret = await vault.secrets.read(here, "key-1");
      assert.deepEqual(
        {
          secret: readSecret,
          pending: await vault.pending.list(here, entry.accountId),
          toolsKey: await vault.toolsKey.read(here),
        },
        // Any printable text may be a secret; only what cannot be one reads as absent.
        { secret: /^[\x21-\x7e]+$/.test(corrupt) ? corrupt : undefined, pending: [], toolsKey: undefined },
      );
    });
  }

  it("forgets", async () => {
    const storage = new MemorySecretStorage();
    const vault = createSecretVault(storage);
    await vault.secrets.put(here, "key-1", secret);
    await vault.pending.put(here, entry);
    await vault.toolsKey.put(here, { keyId: "key-1", accountId: "owner-1" });
    await vault.secrets.forget(here, "key-1");
    await vault.pending.drop(here, entry);
    await vault.toolsKey.forget(here);
    assert.deepEqual([...storage.values], []);
  });
});
