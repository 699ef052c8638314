import assert from "node:assert/strict";

import { decodeProtectedHeader } from "jose";

import { prepareSeal } from "../../../functions/adapters/sealing/seal.ts";
import { Recipient } from "../../../functions/contract/keys.ts";
import { createKit } from "../../support/function.ts";

const secret = "sk-or-v1-0123456789abcdef – ключ";

async function sealedFor({ recipient }: Pick<Awaited<ReturnType<typeof createKit>>, "recipient">): Promise<string> {
  const seal = await prepareSeal(Recipient.parse(recipient));
  assert.ok(seal !== undefined);
  return seal(secret);
}

describe("a sealed secret", () => {
  it("is opened by the recipient with another implementation, and says no more of itself than it has to", async () => {
    const kits = await Promise.all(Array.from({ length: 20 }, createKit));
    const opened = await Promise.all(kits.map(async (kit) => kit.open(await sealedFor(kit))));
    const { epk, ...header } = decodeProtectedHeader(await sealedFor(await createKit()));
    assert.deepEqual(
      [new Set(opened), header, Object.keys(Object(epk)).toSorted()],
      [new Set([secret]), { alg: "ECDH-ES", enc: "A256GCM" }, ["crv", "kty", "x", "y"]],
    );
  });

  it("is another one each time, for no key but the recipient's, and not to be changed", async () => {
    const [kit, other] = await Promise.all([createKit(), createKit()]);
    const [sealed, again] = await Promise.all([sealedFor(kit), sealedFor(kit)]);
    const parts = sealed.split(".");
    assert.equal(parts.filter((part, index) => part === again.split(".")[index]).length, 1, "only the empty part");
    await assert.rejects(other.open(sealed));
    for (const at of [0, 2, 3, 4]) {
      const changed = parts.map((part, index) => (index === at ? flipped(part) : part)).join(".");
      await assert.rejects(kit.open(changed), `part ${at} was changed`);
    }
  });

  it("is not made for what is no point of the curve", async () => {
    const { recipient } = await createKit();
    const bad = [
      { ...recipient, x: "A".repeat(43) },
      { ...recipient, x: recipient.y, y: recipient.x },
      { ...recipient, x: "_".repeat(42) + "8", y: "_".repeat(42) + "8" },
    ];
    assert.deepEqual(
      await Promise.all(bad.map((each) => prepareSeal(Recipient.parse(each)))),
      bad.map(() => undefined),
    );
  });
});

/** Another character in the middle, where every bit counts. */
function flipped(part: string): string {
  const middle = Math.floor(part.length / 2);
  return part.slice(0, middle) + (part[middle] === "A" ? "B" : "A") + part.slice(middle + 1);
}
