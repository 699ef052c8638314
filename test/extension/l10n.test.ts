import assert from "node:assert/strict";
import { glob, readFile } from "node:fs/promises";

import * as z from "zod/mini";

import { signInRows } from "../../extension/account/sign-in-row.ts";
import { speakWith } from "../../extension/base/words.ts";

/**
 * The files in which every sentence is said through `t` and has its translation. Each further one is a line here, until
 * they are all; `words.ts` itself and the key helper, which runs outside the editor, stay out.
 */
const translated = [
  "extension/{account,chat}/*.ts",
  "extension/base/ago.ts",
  "extension/host/{authentication,chat-answers,microsoft,sign-in-editor}.ts",
  "extension/ui/{account-commands,editor-dialogs,list-of,say-signed-out,sign-ins,sign-ins-pick,use-in-chat,with-access}.ts",
];

const root = new URL("../../", import.meta.url);
const read = (file: string): Promise<string> => readFile(new URL(file, root), "utf8");
const Texts = z.record(z.string(), z.string());
const textsOf = async (file: string): Promise<Readonly<Record<string, string>>> =>
  Texts.parse(JSON.parse(await read(file)));

const literal = String.raw`"(?:[^"\\\n]|\\.)*"`;
const literals = String.raw`${literal}(?:\s*\+\s*${literal})*`;
const calls = /\bt\(\s*/g;

interface Said {
  readonly file: string;
  readonly sentences: readonly string[];
  /** Calls of `t` whose sentence cannot be read from the source, and sentences that are said without it. */
  readonly faults: readonly string[];
}

function readSaid(file: string, source: string): Said {
  const code = source.replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, "");
  const sentences: string[] = [];
  const faults: string[] = [];
  for (const { index, 0: call } of code.matchAll(calls)) {
    const first = new RegExp(literals, "y");
    first.lastIndex = index + call.length;
    const found = first.exec(code)?.[0];
    if (found === undefined) faults.push(`${file}: ${code.slice(index, index + 60)}`);
    else
      sentences.push(
        (found.match(new RegExp(literal, "g")) ?? []).map((part) => z.string().parse(JSON.parse(part))).join(""),
      );
  }
  // What is left after the calls, the log and faults of our own that nobody is shown.
  const rest = code.replaceAll(
    new RegExp(String.raw`(?:\bt|log\.\w+|\bError)\(\s*(?:${literals}|\`[^\`]*\`)`, "g"),
    "",
  );
  for (const [text] of rest.matchAll(new RegExp(String.raw`${literal}|\`[^\`]*\``, "g"))) {
    if (/^["`](?:[A-Z]|\$\{[^}]*\} ).* .*[.?!]["`]$/s.test(text)) faults.push(`${file}: ${text}`);
  }
  return { file, sentences, faults };
}

async function allSaid(patterns: readonly string[]): Promise<readonly Said[]> {
  const files: string[] = [];
  for await (const file of glob([...patterns], { cwd: root })) files.push(file);
  return Promise.all(files.toSorted().map(async (file) => readSaid(file, await read(file))));
}

const placeholders = (text: string): string => (text.match(/\{\d+\}/g) ?? []).toSorted().join("");

describe("the words of the extension", () => {
  it("are whole sentences that can be translated, and each is, with the same placeholders", async () => {
    const said = await allSaid(translated);
    const german = await textsOf("extension/l10n/bundle.l10n.de.json");
    const sentences = [...new Set(said.flatMap(({ sentences }) => sentences))];
    assert.deepEqual(
      {
        files: said.length > 25,
        faults: said.flatMap(({ faults }) => faults),
        untranslated: sentences.filter((text) => german[text] === undefined),
        odd: sentences.filter((text) => placeholders(text) !== placeholders(german[text] ?? text)),
      },
      { files: true, faults: [], untranslated: [], odd: [] },
    );
  });

  it("are translated only where somebody says them", async () => {
    const said = new Set((await allSaid(["extension/**/*.ts"])).flatMap(({ sentences }) => sentences));
    const german = await textsOf("extension/l10n/bundle.l10n.de.json");
    assert.deepEqual(
      Object.keys(german).filter((text) => !said.has(text)),
      [],
    );
  });

  it("of package.json are in both languages, with the same commands in them, and none is left over", async () => {
    const used = [...(await read("package.json")).matchAll(/"%([\w.-]+)%"/g)].map(([, key]) => key ?? "").toSorted();
    const [english, german] = [await textsOf("package.nls.json"), await textsOf("package.nls.de.json")];
    const commands = (text = ""): string => [...text.matchAll(/\((command:[^)]*)\)/g)].map(([, id]) => id).join(" ");
    assert.deepEqual(
      {
        english: Object.keys(english).toSorted(),
        german: Object.keys(german).toSorted(),
        odd: used.filter((key) => commands(english[key]) !== commands(german[key])),
        same: used.filter((key) => english[key] === german[key]),
      },
      { english: used, german: used, odd: [], same: [] },
    );
  });

  it("come in German where the editor is German, times too", async () => {
    const german = await textsOf("extension/l10n/bundle.l10n.de.json");
    speakWith({
      language: "de",
      translate: (message, ...values) =>
        (german[message] ?? message).replaceAll(/\{(\d)\}/g, (_whole, index: string) => String(values[Number(index)])),
    });
    try {
      const hour = 3_600_000;
      const at = (hours: number): string => new Date(hours * hour).toISOString();
      const signIn = { id: "1", client: "", createdAt: at(0), lastUsedAt: at(5), expiresAt: at(30), current: false };
      const [row] = signInRows([signIn], 10 * hour);
      assert.deepEqual(
        [row?.label, row?.description, row?.detail],
        [
          "Ein Editor, der seinen Namen nicht genannt hat",
          "zuletzt benutzt: vor 5 Stunden",
          "Angemeldet vor 10 Stunden, endet von selbst in 20 Stunden",
        ],
      );
    } finally {
      speakWith();
    }
  });
});
