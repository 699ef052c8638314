import assert from "node:assert/strict";

import type { Access } from "../../../extension/account/access-token.ts";
import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import { createKey } from "../../../extension/ui/create-key.ts";
import { account, base, builtKey, token } from "../support/fake-function.ts";
import { address, createEditor, settled } from "../support/editor.ts";

const asName = ["A name for the key", ""] as const;
const question = "input: A name for the key. It may spend $25 a month and works for 90 days. (laptop)";
const making = ["progress: Creating your OpenRouter key", "progress: Checking it with OpenRouter…"];

/** The command as a person sees it: what was shown, and how it ended. */
async function run(editor: Awaited<ReturnType<typeof createEditor>>) {
  const end = await createKey(editor.createKeyDeps).then(
    () => "done",
    (error: unknown) =>
      error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
  );
  await settled();
  const made = [...editor.remote.keys.values()];
  const secrets = await Promise.all(made.map(({ id }) => editor.vault.secrets.read(address, id)));
  return {
    end,
    shown: editor.dialogs.shown,
    keys: made.map(({ name, limitUsd }) => `${name} $${limitUsd}`),
    stored: made.map(({ secret }, index) => secrets[index] === secret),
    toolsKey: (await editor.vault.toolsKey.read(address))?.keyId,
  };
}

type Editor = Awaited<ReturnType<typeof createEditor>>;

function creates({ remote }: Editor): readonly string[] {
  return remote.requests
    .filter(({ method, url }) => method === "POST" && url.endsWith("/v1/keys"))
    .map(({ headers, body }) => `${headers.get("Idempotency-Key")} ${body}`);
}

async function accessOf({ accessToken }: Editor): Promise<Access> {
  const access = await accessToken.existing();
  assert.ok(access !== undefined);
  return access;
}

describe("the command Create OpenRouter Key", () => {
  it("asks one question, makes the key, checks it, and sets up the tools that it finds", async () => {
    const editor = await createEditor({ answers: [asName, ["Set up these tools", ["Claude Code"]]] });
    const result = await run(editor);
    assert.deepEqual(
      {
        ...result,
        toolCalls: editor.toolCalls,
        leaked: JSON.stringify([editor.dialogs.shown, editor.log.lines]).includes("sk-or-"),
      },
      {
        end: "done",
        shown: [
          question,
          ...making,
          "pick: Set up these tools to use the key “laptop”? (Claude Code)",
          "progress: Setting up coding tools",
          "progress: Checking that the key reaches them…",
          "info: The key “laptop” is ready. Claude Code uses it. Restart Claude Code. [Undo]",
        ],
        keys: ["laptop $25"],
        stored: [true],
        toolsKey: "key-1",
        toolCalls: ["apply claude-code"],
        leaked: false,
      },
    );
  });

  it("sets the tools back on Undo, and then serves the key to nobody", async () => {
    const editor = await createEditor({
      answers: [asName, ["Set up these tools", ["Claude Code"]], ["Claude Code uses it", "Undo"]],
    });
    const { shown, toolsKey } = await run(editor);
    assert.deepEqual(
      [editor.toolCalls, shown.at(-1), toolsKey],
      [["apply claude-code", "undo claude-code"], "info: Claude Code is set back. Restart Claude Code.", undefined],
    );
  });

  it("says so when there is no tool to set up", async () => {
    const editor = await createEditor({ tools: {}, answers: [asName] });
    assert.equal(
      (await run(editor)).shown.at(-1),
      "info: The key “laptop” is ready. No coding tool was found on this machine. Looked for Claude Code and Codex.",
    );
  });

  it("says why a tool that is there cannot be set up", async () => {
    const editor = await createEditor({ tools: { codex: "unsupported" }, answers: [asName] });
    assert.equal((await run(editor)).shown.at(-1), "info: The key “laptop” is ready. Codex: Codex is unsupported.");
  });

  it("says beside the tools to choose from which cannot be set up, and why", async () => {
    const tools = { "claude-code": "available", codex: "unsupported", "copilot-cli": "available" } as const;
    const editor = await createEditor({ tools, answers: [asName] });
    assert.deepStrictEqual(
      (await run(editor)).shown.filter((line) => /^(?:pick|note):/.test(line)),
      [
        "note: Codex: Codex is unsupported.",
        "pick: Set up these tools to use the key “laptop”? (Claude Code) (GitHub Copilot CLI, unticked)",
      ],
    );
  });

  it("asks for the address first where there is none, and then does everything in one go", async () => {
    const editor = await createEditor({
      reading: { kind: "none" },
      isSignedIn: false,
      answers: [["For example https://keys.example.com", ` ${base} `], asName, ["Set up these tools", ["Claude Code"]]],
    });
    const { end, shown, keys } = await run(editor);
    assert.deepEqual(
      [end, shown.at(-1), editor.asked, keys],
      [
        "done",
        "info: The key “laptop” is ready. Claude Code uses it. Restart Claude Code. [Undo]",
        ["sign in"],
        ["laptop $25"],
      ],
    );
  });

  for (const typed of [undefined, "http://keys.example.com", " "]) {
    it(`does nothing when the person answers with ${typed ?? "nothing"}`, async () => {
      const editor = await createEditor({
        reading: { kind: "fault", message: "openrouterKeys.functionUrl is not an address.", text: "42" },
        isSignedIn: false,
        answers: [["is not an address", typed]],
      });
      const { end, shown } = await run(editor);
      assert.deepEqual(
        [end, shown, editor.asked, editor.remote.requests.length],
        ["cancelled", ["input: openrouterKeys.functionUrl is not an address. (42)"], [], 0],
      );
    });
  }

  it("signs in where needed", async () => {
    const editor = await createEditor({ isSignedIn: false, answers: [asName] });
    const { keys } = await run(editor);
    assert.deepEqual([editor.asked, keys], [["sign in"], ["laptop $25"]]);
  });

  it("asks for nothing more when the person does not sign in", async () => {
    const editor = await createEditor({ isSignedIn: false, signsIn: false });
    assert.deepEqual(await run(editor), { end: "cancelled", shown: [], keys: [], stored: [], toolsKey: undefined });
  });

  it("signs in afresh when the function wants it, and asks for the name only once", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.faults.push(["POST /v1/keys", { code: "reauth_required" }]);
    const { shown, keys } = await run(editor);
    assert.deepEqual(
      {
        asked: editor.asked,
        keys,
        names: shown.filter((line) => line.startsWith("input")).length,
        // The very request that was refused: same bytes, same Idempotency-Key.
        requests: new Set(creates(editor)).size,
        sent: creates(editor).length,
      },
      { asked: ["fresh"], keys: ["laptop $25"], names: 1, requests: 1, sent: 2 },
    );
  });

  it("writes no secret into a line of the log, a message or the name of anything that is stored", async () => {
    const editor = await createEditor({ answers: [asName, ["Set up these tools", ["Claude Code"]]] });
    editor.remote.faults.push(["POST /v1/keys", "lost-answer"], ["POST /v1/keys", { code: "reauth_required" }]);
    const names = new Set<string>();
    editor.storage.onDidChange(({ key }) => names.add(key));
    await run(editor);
    const planted = [
      ...[...editor.remote.keys.values()].map(({ secret }) => secret),
      ...[...editor.storage.values.values()].flatMap((value) => value.match(/ors_[\w-]+|"d":"[\w-]+"/g) ?? []),
      token,
      account.label,
    ];
    const said = [...editor.log.lines, ...editor.dialogs.shown, ...names];
    assert.deepEqual(
      said.filter((line) => planted.some((secret) => line.includes(secret))),
      [],
    );
    assert.ok(names.size >= 4 && editor.log.lines.length > 3);
  });

  it("does not go in circles when a fresh sign-in is not enough, and leaves nothing behind", async () => {
    const editor = await createEditor({ answers: [asName] });
    const refusal = { code: "reauth_required", detail: "You signed in more than 12 hours ago." } as const;
    for (let times = 0; times < 5; times += 1) editor.remote.faults.push(["POST /v1/keys", refusal]);
    const { end, keys } = await run(editor);
    assert.deepEqual(
      [end, editor.asked, creates(editor).length, keys, await editor.creation.unfinished(await accessOf(editor))],
      ["You signed in more than 12 hours ago.", ["fresh"], 2, [], []],
    );
  });

  it("makes no key when the person does not sign in again", async () => {
    const editor = await createEditor({ answers: [asName], signsIn: false });
    editor.remote.faults.push(["POST /v1/keys", { code: "reauth_required" }]);
    const { end, keys } = await run(editor);
    assert.deepEqual(
      [end, editor.asked, creates(editor).length, keys, await editor.creation.unfinished(await accessOf(editor))],
      ["cancelled", ["fresh"], 1, [], []],
    );
  });

  it("ends at once when the person cancels the create while the sign-in waits for them", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.faults.push(["POST /v1/keys", { code: "reauth_required" }]);
    let cancel = (): void => {};
    editor.dialogs.onProgress = (press) => (cancel = press);
    editor.accessToken.ask = () => {
      queueMicrotask(cancel);
      return new Promise(() => {});
    };
    const { end, keys } = await run(editor);
    assert.deepEqual([end, keys, await editor.creation.unfinished(await accessOf(editor))], ["cancelled", [], []]);
  });

  it("makes no key for somebody else who signs in meanwhile", async () => {
    const editor = await createEditor({ answers: [asName], signsInAs: { id: "owner-2", label: "bob@example.test" } });
    editor.remote.faults.push(["POST /v1/keys", { code: "reauth_required" }]);
    const { end, keys } = await run(editor);
    assert.deepEqual(
      [end, creates(editor).length, keys],
      ["You are signed in as bob@example.test now, so nothing was done. Start again.", 1, []],
    );
  });

  it("goes on with the same request when a fresh sign-in is wanted after an answer was lost", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.faults.push(["POST /v1/keys", "lost-answer"], ["POST /v1/keys", { code: "reauth_required" }]);
    const { keys, stored } = await run(editor);
    assert.deepEqual(
      [editor.asked, keys, stored, new Set(creates(editor)).size],
      [["fresh"], ["laptop $25"], [true], 1],
    );
  });

  for (const [situation, change, sentence] of [
    [
      "the plan's keys are all there",
      { keysLeft: 0 },
      "Your plan allows 3 keys, and you have as many. Delete one that you no longer need first.",
    ],
    [
      "the whole budget is given away",
      { allowanceUsd: 0 },
      "Your keys already have all $100 a month of your plan. Delete one to free its part.",
    ],
  ] as const) {
    it(`says what to do when ${situation}, before it asks anything`, async () => {
      const editor = await createEditor();
      editor.remote.me = { ...editor.remote.me, ...change };
      assert.deepEqual(await run(editor), { end: sentence, shown: [], keys: [], stored: [], toolsKey: undefined });
    });
  }

  it("gives the key what is left of the plan, in whole cents", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.me = { ...editor.remote.me, allowanceUsd: 10.129 };
    assert.deepEqual((await run(editor)).keys, ["laptop $10.12"]);
  });

  it("makes nothing when the question is dismissed", async () => {
    const editor = await createEditor();
    const { end, keys } = await run(editor);
    assert.deepEqual([end, keys, editor.storage.values.size], ["cancelled", [], 1]);
  });

  it("shows a refusal in the function's words", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.faults.push([
      "POST /v1/keys",
      { code: "rate_limited", detail: "10 keys an hour are enough.", retryAfter: 900 },
    ]);
    assert.equal((await run(editor)).end, "10 keys an hour are enough.");
  });

  it("keeps the key, and says so, when OpenRouter does not confirm it", async () => {
    const editor = await createEditor({
      tools: {},
      answers: [asName],
      check: { kind: "doubtful", message: "It could not be checked." },
    });
    const { shown, stored } = await run(editor);
    assert.deepEqual(
      [shown.at(-1)?.startsWith("info: The key “laptop” is made. It could not be checked."), stored],
      [true, [true]],
    );
  });

  it("says that the key is made although the tools' address of OpenRouter is not one", async () => {
    const fault = "openrouterKeys.openRouterUrl is not an address. Write it like https://openrouter.ai/api/v1.";
    const editor = await createEditor({ answers: [asName] });
    await createKey({
      ...editor.createKeyDeps,
      openRouterUrl: () => ({ kind: "fault", message: fault }),
      toolSetup: () => Promise.reject(new UserError(fault)),
    });
    await settled();
    assert.deepEqual(
      [editor.dialogs.shown.at(-1), editor.remote.keys.size],
      [`warn: The key “laptop” is made. It was not checked: ${fault}`, 1],
    );
  });

  for (const choice of ["Use “laptop”", "Keep “old”", undefined]) {
    it(`${choice === "Use “laptop”" ? "changes" : "keeps"} the tools' key when the answer is ${choice ?? "none"}`, async () => {
      const editor = await createEditor({
        answers: [asName, ...(choice === undefined ? [] : [["Which one should they use?", choice] as const])],
      });
      const old = builtKey({ id: "key-old", name: "old" });
      editor.remote.keys.set(old.id, old);
      const access = await editor.accessToken.ask();
      await editor.vault.secrets.put(address, old.id, old.secret);
      await editor.toolsKey.use(access, old.id);
      const { toolsKey } = await run(editor);
      assert.equal(toolsKey, choice === "Use “laptop”" ? "key-1" : "key-old");
    });
  }

  it("does not ask about a tools' key that no longer works", async () => {
    const editor = await createEditor({ answers: [asName] });
    const old = builtKey({ id: "key-old", name: "old", state: "revoked" });
    editor.remote.keys.set(old.id, old);
    await editor.vault.secrets.put(address, old.id, old.secret);
    await editor.toolsKey.use(await editor.accessToken.ask(), old.id);
    const { toolsKey, shown } = await run(editor);
    assert.deepEqual([toolsKey, shown.filter((line) => line.includes("Which one"))], ["key-1", []]);
  });

  it("has the key looked after in the background when the person cancels", async () => {
    const editor = await createEditor({ answers: [asName] });
    editor.remote.faults.push(["POST /v1/keys", "lost-answer"]);
    editor.dialogs.onProgress = (cancel) => (editor.clock.beforeSleep = cancel);
    const { end } = await run(editor);
    const keysBefore = editor.remote.keys.size;
    await editor.settle();
    assert.deepEqual([end, editor.settlesAsked(), keysBefore, editor.remote.keys.size], ["cancelled", 1, 1, 0]);
  });

  it("does not make a second key while an earlier one is on its way", async () => {
    const first = await createEditor({ answers: [asName] });
    for (let count = 0; count < 50; count += 1) first.remote.faults.push(["POST /v1/keys", "lost-answer"]);
    await run(first);
    first.remote.faults.splice(0);
    const next = await createEditor({
      remote: first.remote,
      storage: first.storage,
      tools: {},
      answers: [["has not arrived yet", "Finish It"]],
    });
    const { shown, keys, stored } = await run(next);
    assert.deepEqual(
      [shown[0], keys, stored],
      [
        "warn: The key “laptop” was asked for before and has not arrived yet. [Finish It] [Discard It]",
        ["laptop $25"],
        [true],
      ],
    );
  });
});

describe("a key that arrives late", () => {
  it("is announced at the next start, and becomes the tools' key where there is none", async () => {
    const first = await createEditor({ answers: [asName] });
    for (let count = 0; count < 50; count += 1) first.remote.faults.push(["POST /v1/keys", "lost-answer"]);
    await run(first);
    first.remote.faults.splice(0);
    const next = await createEditor({ remote: first.remote, storage: first.storage });
    await next.settle();
    await next.settle();
    await settled();
    assert.deepEqual(
      [next.dialogs.shown, await next.toolsKey.readSecret(), next.ring.current.kind],
      [["info: The key “laptop” has arrived. [Set Up Tools]"], builtKey({ id: "key-1" }).secret, "ready"],
    );
  });

  it("can be deleted when its secret is lost", async () => {
    const first = await createEditor({ answers: [asName] });
    for (let count = 0; count < 50; count += 1) first.remote.faults.push(["POST /v1/keys", "lost-answer"]);
    await run(first);
    first.remote.faults.splice(0);
    for (const made of first.remote.made.values()) made.received = true;
    const next = await createEditor({
      remote: first.remote,
      storage: first.storage,
      answers: [["its secret was lost", "Delete Key"]],
    });
    await next.settle();
    await settled();
    assert.deepEqual([next.dialogs.shown.length, next.remote.keys.size, next.storage.values.size], [1, 0, 1]);
  });

  it("waits for a sign-in without asking for one", async () => {
    const editor = await createEditor({ isSignedIn: false });
    await editor.settle();
    assert.deepEqual([editor.asked, editor.dialogs.shown, editor.remote.requests], [[], [], []]);
  });
});
