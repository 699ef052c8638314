import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createCompanyKeys } from "../../../extension/admin/company-keys.ts";
import { createPages } from "../../../extension/admin/pages.ts";
import { writeWhole } from "../../../extension/admin/write-whole.ts";
import { CancelledError, UserError } from "../../../extension/base/errors.ts";
import {
  askSearch,
  askState,
  deleteCompanyKey,
  disableCompanyKey,
  enableCompanyKey,
} from "../../../extension/ui/company-key.ts";
import { exportKeys } from "../../../extension/ui/export-keys.ts";
import { withAccess } from "../../../extension/ui/with-access.ts";
import type { AdminKey } from "../../../functions/contract/admin.ts";
import { createEditor, settled } from "../support/editor.ts";
import { builtKey, problem } from "../support/fake-function.ts";

/** An administrator who has two keys of others in sight. `answer` is what the function says to what is done. */
async function createHarness(...answers: readonly (readonly [text: string, answer: unknown])[]) {
  const editor = await createEditor({ answers: [...answers] });
  const keys = ["grace", "alan"].map((name): AdminKey => {
    const { secret: _secret, ...key } = builtKey({ id: `key-${name}` });
    return { ...key, owner: { id: `owner-${name}`, label: `${name}@example.test` } };
  });
  const asAdmin = <T>(work: Parameters<typeof withAccess<T>>[1]) => withAccess(editor, work);
  const pages = createPages<AdminKey>({
    what: "The keys",
    read: async () => ({ items: keys, nextCursor: null, total: 2 }),
    existing: editor.accessToken.existing,
    withAccess: asAdmin,
    log: editor.log,
  });
  await pages.open();
  const deps = { withAccess: asAdmin, companyKeys: createCompanyKeys(editor), pages, dialogs: editor.dialogs };
  const does = async (act: typeof disableCompanyKey, argument: unknown = { companyKeyId: "key-grace" }) => {
    const end = await act(deps, argument).then(
      () => "done",
      (error: unknown) =>
        error instanceof CancelledError ? "cancelled" : error instanceof UserError ? error.message : String(error),
    );
    await settled();
    return end;
  };
  const path = "/v1/admin/keys/key-grace";
  const answers_ = (method: "PATCH" | "DELETE", answer: Response): void =>
    void editor.remote.faults.push([`${method} ${path}`, answer]);
  const rows = () => pages.current.items.map(({ owner, state }) => `${owner.label} ${state}`);
  const sent = () =>
    editor.remote.requests.filter(({ url }) => url.endsWith(path)).map(({ method, body }) => `${method} ${body}`);
  return { editor, does, answers: answers_, rows, sent, pages, keys, shown: editor.dialogs.shown };
}

describe("an administrator's commands for a key of somebody else", () => {
  it("disable it after a question that names its owner, and enable it again, where it stands", async () => {
    const { does, answers, rows, sent, keys, shown } = await createHarness(["Disable the key", "Disable"]);
    answers("PATCH", Response.json({ ...keys[0], state: "disabled" }));
    const disabled = [await does(disableCompanyKey), rows()];
    answers("PATCH", Response.json({ ...keys[0], state: "active" }));
    assert.deepEqual(
      [disabled, await does(enableCompanyKey), rows(), sent(), shown],
      [
        ["done", ["grace@example.test disabled", "alan@example.test active"]],
        "done",
        ["grace@example.test active", "alan@example.test active"],
        ['PATCH {"disabled":true}', 'PATCH {"disabled":false}'],
        [
          "confirm: Disable the key “laptop” of grace@example.test? OpenRouter refuses it at once, and whatever uses it stops working. Only an administrator can enable it again. [Disable]",
          "info: The key “laptop” of grace@example.test is disabled.",
          "info: The key “laptop” of grace@example.test works again.",
        ],
      ],
    );
  });

  it("delete it after a yes, and nothing without one", async () => {
    const without = await createHarness();
    const { does, answers, rows, pages } = await createHarness(["Delete the key", "Delete"]);
    answers("DELETE", new Response(undefined, { status: 204 }));
    assert.deepEqual(
      [await without.does(deleteCompanyKey), without.sent(), await does(deleteCompanyKey), rows(), pages.current.total],
      ["cancelled", [], "done", ["alan@example.test active"], 1],
    );
  });

  it("leave the list as it is when it could not be done", async () => {
    const { does, answers, rows } = await createHarness(["Delete the key", "Delete"]);
    answers("DELETE", problem("upstream_unavailable", "OpenRouter is away."));
    assert.deepEqual(
      [await does(deleteCompanyKey), rows().length, await does(deleteCompanyKey, { companyKeyId: "key-9" })],
      ["OpenRouter is away.", 2, "This key is no longer in the list. Search for it again."],
    );
  });

  it("search and filter, and show everything again with an empty search", async () => {
    const { editor } = await createHarness(
      ["Part of an owner's", " grace "],
      ["Part of an owner's", "  "],
      ["Which keys?", "Disabled"],
      ["Which keys?", "All States"],
    );
    const { dialogs } = editor;
    assert.deepEqual(
      [
        await askSearch(dialogs, {}),
        await askSearch(dialogs, { q: "grace" }),
        await askState(dialogs),
        await askState(dialogs),
      ],
      ["grace", undefined, "disabled", undefined],
    );
  });
});

describe("the export of keys", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "openrouter-keys-export-"));
    await writeFile(join(folder, "keys.csv"), "as it was");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Answers with these pieces, and breaks off where one is an error. */
  async function run(pieces: readonly (string | Error)[], type = "text/csv; charset=utf-8") {
    const { editor } = await createHarness();
    const left = [...pieces];
    const body = new ReadableStream<Uint8Array>({
      pull: (out) => {
        const piece = left.shift();
        if (piece === undefined) out.close();
        else if (piece instanceof Error) out.error(piece);
        else out.enqueue(new TextEncoder().encode(piece));
      },
    });
    editor.remote.faults.push(["GET /v1/admin/keys.csv", new Response(body, { headers: { "Content-Type": type } })]);
    const path = join(folder, "keys.csv");
    const end = await exportKeys(
      {
        ...editor,
        withAccess: (work) => withAccess(editor, work),
        chooseFile: async () => ({ name: "keys.csv", write: (chunks) => writeWhole(path, chunks) }),
      },
      { q: "grace & co", state: "active" },
    ).then(
      () => "done",
      (error: unknown) => (error instanceof UserError ? error.message : String(error)),
    );
    const url = editor.remote.requests.at(-1)?.url.split("?")[1];
    return { end, text: await readFile(path, "utf8"), files: await readdir(folder), url };
  }

  it("writes what the filter lets through", async () => {
    assert.deepEqual(await run(["owner,name\r\n", '"grace","laptop"\r\n']), {
      end: "done",
      text: 'owner,name\r\n"grace","laptop"\r\n',
      files: ["keys.csv"],
      url: "q=grace+%26+co&state=active",
    });
  });

  it("leaves the file as it was when the answer breaks off, or is something else", async () => {
    const broken = await run(["owner,name\r\n", new TypeError("terminated")]);
    const page = await run(["<html>"], "text/html");
    assert.deepEqual(
      [broken.end, broken.text, broken.files, page.end.includes("not as the function"), page.text],
      [
        "keys.csv could not be written in full, so nothing was written. Try again.",
        "as it was",
        ["keys.csv"],
        true,
        "as it was",
      ],
    );
  });
});
