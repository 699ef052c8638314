import assert from "node:assert/strict";

import { groupKeys } from "../../../extension/keys/key-groups.ts";
import type { Key } from "../../../functions/contract/keys.ts";
import { builtKey } from "../support/fake-function.ts";

function shape(...states: readonly Key["state"][]): unknown {
  const { own, groups } = groupKeys(states.map((state) => builtKey({ state })));
  return [
    own.map(({ state }) => state),
    ...groups.map(({ label, isOpenAtFirst, keys }) => [label, isOpenAtFirst, keys.map(({ state }) => state)]),
  ];
}

describe("the groups of keys", () => {
  it("are none while every key is in use", () => {
    assert.deepEqual(shape("active", "disabled", "active"), [["active", "disabled", "active"]]);
  });

  it("put what was replaced and what has ended below what is in use", () => {
    assert.deepEqual(shape("revoked", "retiring", "active", "gone", "expired", "unknown"), [
      ["active"],
      ["Retiring", true, ["retiring"]],
      ["Ended", false, ["revoked", "gone", "expired", "unknown"]],
    ]);
  });

  it("are open when there is nothing else to see", () => {
    assert.deepEqual(shape("expired"), [[], ["Ended", true, ["expired"]]]);
  });
});
