import assert from "node:assert/strict";

import { createOwnSignIns } from "../../../extension/account/own-sign-ins.ts";
import { signInRows } from "../../../extension/account/sign-in-row.ts";
import { signOutCommand } from "../../../extension/ui/account-commands.ts";
import { showSignIns, type SignInsChoice, type SignInsContent } from "../../../extension/ui/sign-ins.ts";
import type { Session } from "../../../functions/contract/sessions.ts";
import { createEditor } from "../support/editor.ts";
import { createFakeFunction } from "../support/fake-function.ts";

function session(facts: Partial<Session>): Session {
  return {
    id: "session-1",
    client: "openrouter-keys/0.1.0 vscode/1.106.0",
    createdAt: "2026-11-22T10:00:00.000Z",
    lastUsedAt: "2026-11-24T09:59:00.000Z",
    expiresAt: "2026-11-29T10:00:00.000Z",
    current: false,
    ...facts,
  };
}
const now = Date.parse("2026-11-24T10:00:00Z");
const current = session({ current: true });
const other = session({
  id: "session-2",
  client: "openrouter-keys/0.0.9 vscode/1.105.1",
  lastUsedAt: "2026-11-23T20:00:00.000Z",
});

/** A person who does one thing after the other with the list: `press` a row by a part of its label, or try again. */
async function look(answers: readonly (readonly [string, unknown])[], ...acts: readonly string[]) {
  const remote = createFakeFunction();
  for (const own of [other, current]) remote.signIns.set(own.id, own);
  const editor = await createEditor({ remote, answers: [...answers] });
  const shown: string[] = [];
  const left = [...acts];
  const choose = (content: SignInsContent): SignInsChoice => {
    const act = left.shift();
    if (act === undefined) return undefined;
    if (content.kind === "failed") return { kind: "again" };
    const row = signInRows(content.signIns, content.now).find(({ label }) => label.includes(act));
    return row === undefined ? undefined : { kind: "end", row };
  };
  const done = showSignIns({
    ...editor,
    signIns: createOwnSignIns(editor),
    signOut: () => signOutCommand(editor),
    now: () => now,
    show: async (asked) => {
      const content = await asked;
      shown.push(content.kind === "failed" ? content.message : content.signIns.map(({ id }) => id).join(" "));
      return choose(content);
    },
  });
  return { editor, remote, done, shown };
}

describe("the list of sign-ins", () => {
  it("says of each where it is, when it was last used and when it ends; this editor first", () => {
    const stranger = session({
      id: "session-3",
      client: "curl $(flame)\u202e/8",
      lastUsedAt: "2026-11-24T09:00:00.000Z",
    });
    const nameless = session({ id: "session-4", client: "", lastUsedAt: "2026-11-20T10:00:00.000Z" });
    assert.deepEqual(
      signInRows([nameless, other, stranger, current], now).map(({ label, description, detail }) => [
        label,
        description,
        detail,
      ]),
      [
        ["VS Code 1.106.0, OpenRouter Keys 0.1.0", "this editor", "Signed in 2 days ago, ends by itself in 5 days"],
        ["curl $(flame) /8", "last used 60 minutes ago", "Signed in 2 days ago, ends by itself in 5 days"],
        [
          "VS Code 1.105.1, OpenRouter Keys 0.0.9",
          "last used 14 hours ago",
          "Signed in 2 days ago, ends by itself in 5 days",
        ],
        [
          "An editor that did not say its name",
          "last used 4 days ago",
          "Signed in 2 days ago, ends by itself in 5 days",
        ],
      ],
    );
  });

  it("ends another one after a yes, and shows what is left", async () => {
    const { done, shown, editor, remote } = await look([["End this sign-in", "End Sign-In"]], "1.105.1");
    await done;
    assert.deepEqual(
      [shown, [...remote.signIns.keys()], editor.dialogs.shown],
      [
        ["session-2 session-1", "session-1"],
        ["session-1"],
        [
          "confirm: End this sign-in? VS Code 1.105.1, OpenRouter Keys 0.0.9, last used 14 hours ago. Whoever works there has to sign in again; your keys go on existing. [End Sign-In]",
        ],
      ],
    );
  });

  it("ends nothing without a yes", async () => {
    const { done, remote } = await look([], "1.105.1", "1.106.0");
    await done;
    assert.deepEqual([remote.signIns.size, remote.sessions.size], [2, 1]);
  });

  it("signs out with the one of this editor", async () => {
    const { done, shown, editor, remote } = await look([["Sign out of this editor?", "Sign Out"]], "1.106.0");
    await done;
    assert.deepEqual([shown.length, remote.sessions.size, await editor.accessToken.existing()], [1, 0, undefined]);
  });

  it("takes one for ended that had ended meanwhile", async () => {
    const { done, shown, remote } = await look([["End this sign-in", "End Sign-In"]], "1.105.1");
    remote.faults.push(["DELETE /v1/sessions/session-2", { code: "not_found" }]);
    await done;
    assert.equal(shown.length, 2);
  });

  it("says why it cannot be shown, and can be asked for again", async () => {
    const remote = createFakeFunction();
    remote.faults.push(["GET /v1/sessions", { code: "database_unavailable", detail: "Try again in a minute." }]);
    const editor = await createEditor({ remote });
    const shown: string[] = [];
    await showSignIns({
      ...editor,
      signIns: createOwnSignIns(editor),
      signOut: async () => {},
      now: () => now,
      show: async (asked) => {
        const content = await asked;
        shown.push(content.kind === "failed" ? content.message : "the list");
        return content.kind === "failed" ? { kind: "again" } : undefined;
      },
    });
    assert.deepEqual(shown, ["Try again in a minute.", "the list"]);
  });

  it("that is refused because this very session has ended says so, and the session is dropped", async () => {
    const { editor, remote, done } = await look([], "1.105.1");
    remote.sessions.clear();
    await done;
    assert.equal(
      (await editor.sessions.read({ base: "https://keys.test", origin: "https://keys.test" })).kind,
      "expired",
    );
  });
});
