import assert from "node:assert/strict";

import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import type { ReadyKeys } from "../../../extension/keys/key-ring.ts";
import { machineName } from "../../../extension/ui/machine-name.ts";
import { runCommand } from "../../../extension/ui/run-command.ts";
import { contextsOf } from "../../../extension/ui/show-contexts.ts";
import { createFakeFunction } from "../support/fake-function.ts";
import { createRecordingLog } from "../support/recording-log.ts";
import { createScriptedDialogs } from "../support/scripted-dialogs.ts";
import { settled } from "../support/editor.ts";

describe("a command", () => {
  for (const [situation, error, shown] of [
    ["shows nothing when it is cancelled", new CancelledError(), []],
    ["shows the sentence of what was foreseen", new UserError("Do this first."), ["error: Do this first."]],
    [
      "offers the log for what was not foreseen, without its text",
      new TypeError("x is undefined"),
      ["error: Something went wrong. See the log for what it was. [Show Log]", "log"],
    ],
  ] as const) {
    it(situation, async () => {
      const dialogs = createScriptedDialogs(["Something went wrong", "Show Log"]);
      const log = createRecordingLog();
      await runCommand({ dialogs, log }, "openrouterKeys.refresh", () => Promise.reject(error));
      await settled();
      assert.deepEqual([dialogs.shown, log.lines[0], log.lines.length], [shown, "openrouterKeys.refresh", 2]);
    });
  }
});

describe("the name that is suggested for a key", () => {
  for (const [host, name] of [
    ["ada-laptop.local", "ada-laptop"],
    ["ada", "ada"],
    ["", "my machine"],
    [".local", "my machine"],
    ["a\u202eb", "my machine"],
    ["x".repeat(200), "x".repeat(100)],
  ] as const) {
    it(`is ${name.slice(0, 12)} on ${JSON.stringify(host.slice(0, 20))}`, () => {
      assert.equal(machineName(host), name);
    });
  }
});

describe("what menus know", () => {
  const withoutKeys: ReadyKeys = {
    kind: "ready",
    keys: [],
    me: createFakeFunction().me,
    asOf: "2026-11-24T10:00:00.000Z",
    complete: true,
    toolsKeyId: undefined,
    storedIds: new Set(),
  };

  it("follows from the state alone", () => {
    assert.deepEqual(
      [
        contextsOf({ kind: "no-address", fault: undefined }),
        contextsOf({ kind: "no-address", fault: "It is not an address." }),
        contextsOf({ kind: "signed-out", expired: true }),
        contextsOf({ kind: "failed", message: "Away.", previous: undefined }),
        contextsOf(withoutKeys),
        contextsOf({ kind: "failed", message: "Away.", previous: withoutKeys }),
      ].map((contexts) => Object.values(contexts)),
      [
        ["no-address", false, false],
        ["bad-address", false, false],
        ["signed-out", false, true],
        ["failed", true, false],
        ["empty", true, false],
        ["listed", true, false],
      ],
    );
  });
});
