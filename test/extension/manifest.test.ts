import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

import * as z from "zod/mini";

import {
  adminCommandIds,
  adminViewId,
  authenticationId,
  chatVendor,
  commandIds,
  contextDefaults,
  keysViewId,
  raisesViewId,
  settingIds,
  viewContainerId,
} from "../../extension/manifest.ts";
import { extensionId } from "../../functions/contract/paths.ts";

const Item = z.looseObject({ when: z.optional(z.string()), command: z.optional(z.string()) });
const Package = z.looseObject({
  name: z.string(),
  publisher: z.string(),
  activationEvents: z.array(z.string()),
  extensionKind: z.array(z.string()),
  capabilities: z.unknown(),
  icon: z.string(),
  galleryBanner: z.object({ color: z.string(), theme: z.enum(["dark", "light"]) }),
  categories: z.array(z.string()),
  keywords: z.array(z.string()),
  contributes: z.looseObject({
    authentication: z.array(z.object({ id: z.string() })),
    languageModelChatProviders: z.array(z.object({ vendor: z.string(), when: z.string() })),
    configuration: z.object({ properties: z.record(z.string(), z.looseObject({ scope: z.string() })) }),
    commands: z.array(
      z.object({
        command: z.string(),
        title: z.string(),
        category: z.string(),
        enablement: z.optional(z.string()),
      }),
    ),
    viewsContainers: z.object({ activitybar: z.array(z.looseObject({ id: z.string() })) }),
    views: z.record(z.string(), z.array(z.looseObject({ id: z.string(), when: z.optional(z.string()) }))),
    viewsWelcome: z.array(z.looseObject({ view: z.string(), when: z.string(), contents: z.string() })),
    menus: z.record(z.string(), z.array(Item)),
    walkthroughs: z.array(
      z.object({
        steps: z.array(
          z.object({
            description: z.string(),
            completionEvents: z.array(z.string()),
            media: z.object({ image: z.record(z.string(), z.string()), altText: z.string() }),
          }),
        ),
      }),
    ),
  }),
});

/** As the editor reads it in English. */
async function readManifest() {
  const read = (file: string) => readFile(new URL(`../../${file}`, import.meta.url), "utf8");
  const texts = new Map(
    Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(await read("package.nls.json")))),
  );
  return Package.parse(
    JSON.parse(await read("package.json"), (_key, value: unknown) =>
      typeof value === "string" ? (texts.get(/^%([\w.-]+)%$/.exec(value)?.[1] ?? "") ?? value) : value,
    ),
  );
}

describe("the manifest", () => {
  it("declares exactly the names that the code uses", async () => {
    const { name, publisher, activationEvents, contributes } = await readManifest();
    const views = Object.values(contributes.views).flat();
    const whens = [...views, ...contributes.viewsWelcome, ...Object.values(contributes.menus).flat()].map(
      ({ when }) => when ?? "",
    );
    const contexts = new Set(
      whens
        .join(" ")
        .match(/(?<!config\.)openrouterKeys\.\w+/g)
        ?.filter((id) => id !== keysViewId && id !== adminViewId),
    );
    assert.deepEqual(
      {
        id: `${publisher}.${name}`,
        commands: contributes.commands.map(({ command }) => command).toSorted(),
        settings: Object.entries(contributes.configuration.properties).map(([id, { scope }]) => [id, scope]),
        containers: contributes.viewsContainers.activitybar.map(({ id }) => id),
        views: Object.entries(contributes.views).map(([container, views]) => [container, ...views.map(({ id }) => id)]),
        contexts: [...contexts].toSorted(),
        authentication: contributes.authentication.map(({ id }) => id),
        chat: contributes.languageModelChatProviders,
        activationEvents,
      },
      {
        id: extensionId,
        commands: commandIds.toSorted(),
        settings: settingIds.map((id) => [id, "application"]),
        containers: [viewContainerId],
        views: [[viewContainerId, keysViewId, raisesViewId, adminViewId]],
        contexts: Object.keys(contextDefaults).toSorted(),
        authentication: [authenticationId],
        chat: [{ vendor: chatVendor, when: "config.openrouterKeys.chat.enabled" }],
        activationEvents: ["onStartupFinished"],
      },
    );
  });

  it("names only commands and settings that exist in its menus and welcome texts", async () => {
    const { contributes } = await readManifest();
    const inMenus = Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command ?? ""));
    const texts = contributes.viewsWelcome.map(({ contents }) => decodeURIComponent(contents)).join(" ");
    const known = new Set<string>([...commandIds, ...settingIds]);
    assert.deepEqual(
      [...inMenus, ...(texts.match(/openrouterKeys(?:\.\w+)+/g) ?? [])].filter((id) => !known.has(id)),
      [],
    );
  });

  it("leads through the first run with pictures for every theme, all of them packaged", async () => {
    const { contributes } = await readManifest();
    const steps = contributes.walkthroughs.flatMap((walkthrough) => walkthrough.steps);
    const packaged = await readFile(new URL("../../.vscodeignore", import.meta.url), "utf8");
    const pictures = steps.flatMap(({ media }) => Object.values(media.image));
    const missing = pictures.filter((file) => !existsSync(new URL(`../../${file}`, import.meta.url)));
    const named = steps.flatMap((step) => [
      ...[...step.description.matchAll(/\(command:([\w.]+)\)/g)].map(([, id]) => id ?? ""),
      ...step.completionEvents.flatMap((event) => event.match(/openrouterKeys\.\w+/g) ?? []),
    ]);
    const known = new Set<string>([...commandIds, ...Object.keys(contextDefaults)]);
    assert.deepEqual(
      {
        themes: steps.map(({ media }) => Object.keys(media.image).length),
        missing,
        packaged:
          pictures.every((file) => file.startsWith("media/walkthrough/")) &&
          packaged.includes("!media/walkthrough/*.png"),
        unknown: named.filter((id) => !known.has(id)),
      },
      { themes: steps.map(() => 4), missing: [], packaged: true, unknown: [] },
    );
  });

  it("titles every command in title case, under one category", async () => {
    const { contributes } = await readManifest();
    const odd = contributes.commands.filter(
      ({ title, category }) => category !== "OpenRouter Keys" || title.split(" ").some((word) => !/^[A-Z]/.test(word)),
    );
    assert.deepEqual(odd, []);
  });

  it("welcomes in every state in which a view is empty for a reason", async () => {
    const { contributes } = await readManifest();
    const statesOf = (id: string) => {
      const whens = contributes.viewsWelcome.filter(({ view }) => view === id).map(({ when }) => when);
      return [...new Set(whens.map((when) => /state == ([\w-]+)/i.exec(when)?.[1]))].toSorted();
    };
    assert.deepEqual(
      [statesOf(keysViewId), statesOf(adminViewId)],
      [
        ["bad-address", "empty", "failed", "no-address", "signed-out"],
        ["loading", "sign-in"],
      ],
    );
  });

  it("shows administrators' things to administrators only", async () => {
    const { contributes } = await readManifest();
    const ofAdmins = <T extends { readonly command?: string | undefined }>(items: readonly T[]): readonly T[] =>
      items.filter(({ command }) => command?.startsWith("openrouterKeys.admin.") === true);
    const isAdmin = "openrouterKeys.isAdmin";
    const { commandPalette = [] } = contributes.menus;
    assert.deepEqual(
      [
        contributes.views[viewContainerId]?.find(({ id }) => id === adminViewId)?.["when"],
        ofAdmins(contributes.commands).filter(({ enablement }) => enablement !== isAdmin),
        ofAdmins(commandPalette).filter(({ when }) => when !== isAdmin && when !== "false"),
        ofAdmins(commandPalette)
          .map(({ command }) => command ?? "")
          .toSorted(),
      ],
      [isAdmin, [], [], adminCommandIds.toSorted()],
    );
  });

  it("cannot be asked for what makes no sense just now, wherever a command is called from", async () => {
    const { contributes } = await readManifest();
    // These two lead through a sign-in, and are reached from the walkthrough before there is one; refreshing is harmless.
    const free = ["openrouterKeys.configureTools", "openrouterKeys.refresh"];
    const when = new Map((contributes.menus["commandPalette"] ?? []).map((item) => [item.command, item.when] as const));
    const odd = contributes.commands.filter(
      ({ command, enablement }) =>
        !free.includes(command) &&
        !command.startsWith("openrouterKeys.signIn") &&
        when.get(command) !== "false" &&
        enablement !== when.get(command),
    );
    assert.deepEqual(odd, []);
  });

  it("runs where the coding tools are, and in any folder, of which it reads nothing", async () => {
    const { extensionKind, capabilities } = await readManifest();
    assert.deepEqual(
      [extensionKind, capabilities],
      [["workspace", "ui"], { untrustedWorkspaces: { supported: true }, virtualWorkspaces: true }],
    );
  });

  it("shows itself as the gallery wants it: an icon of 128 pixels or more, a banner, categories, keywords", async () => {
    const { icon, categories, keywords } = await readManifest();
    const png = await readFile(new URL(`../../${icon}`, import.meta.url));
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    assert.deepEqual(
      [width >= 128, width === height, categories, keywords.length <= 30 && keywords.includes("openrouter")],
      [true, true, ["AI", "Chat", "Other"], true],
    );
  });

  it("explains every setting with links and code, in an order of its own", async () => {
    const { contributes } = await readManifest();
    const all = Object.values(contributes.configuration.properties);
    assert.deepEqual(
      [all.map(({ order }) => order), all.filter(({ markdownDescription }) => typeof markdownDescription !== "string")],
      [all.map((_, index) => index + 1), []],
    );
  });
});
