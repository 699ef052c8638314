import { UserError } from "../base/errors.ts";
import * as z from "zod/mini";
import type { OtherPlace } from "./configured-place.ts";
import { noKeyChosen } from "./configured-file.ts";
import { hashOf } from "./undo-record.ts";
import type { ToolSetupDeps } from "./tool.ts";

const name = "OpenRouter Keys";

/** What Roo Code offers to other extensions, as far as it is used here. What it answers is not believed unseen. */
interface ProfileApi {
  getProfiles(): unknown;
  getActiveProfile(): unknown;
  setActiveProfile(profile: string): unknown;
  upsertProfile(profile: string, settings: Readonly<Record<string, string>>, isActive: boolean): unknown;
  deleteProfile(profile: string): unknown;
}

const methods = ["getProfiles", "getActiveProfile", "setActiveProfile", "upsertProfile", "deleteProfile"] as const;

function isProfileApi(api: unknown): api is ProfileApi {
  return (
    typeof api === "object" && api !== null && methods.every((method) => typeof Reflect.get(api, method) === "function")
  );
}

const UndoRecord = z.object({
  version: z.literal(1),
  /** The profile that was in use before. */
  previous: z.optional(z.string()),
  /** SHA-256 of what the profile was given, the key among it. */
  written: z.string(),
});
type UndoRecord = z.infer<typeof UndoRecord>;

/**
 * A profile of our own in Roo Code or a fork of it, made through what it offers to other extensions: it keeps the key
 * where the editor keeps secrets. The person's own profiles are not touched.
 */
export function createProfilePlace(
  tool: { readonly id: string; readonly label: string; readonly extension: string },
  { extensionApi, readKey, undoStore, openRouterUrl }: ToolSetupDeps,
): OtherPlace {
  const id = `${tool.id} profile`;
  const place = `the profiles of ${tool.label}`;

  async function apiNow(): Promise<ProfileApi | undefined> {
    const api = await extensionApi(tool.extension);
    return isProfileApi(api) ? api : undefined;
  }

  async function apiOrRefuse(): Promise<ProfileApi> {
    const api = await apiNow();
    if (api !== undefined) return api;
    throw new UserError(
      `This version of ${tool.label} takes no profile from another extension. Update it and reload the window, then try again.`,
    );
  }

  async function load(): Promise<UndoRecord | undefined> {
    const text = await undoStore.get(id);
    if (text === undefined) return undefined;
    try {
      return UndoRecord.parse(JSON.parse(text));
    } catch {
      return { version: 1, written: "" };
    }
  }
  const save = (record: UndoRecord): Promise<void> => undoStore.put(id, JSON.stringify(record));

  const settingsWith = (key: string) => ({
    apiProvider: "openrouter",
    openRouterApiKey: key,
    openRouterModelId: "anthropic/claude-sonnet-4.5",
    openRouterBaseUrl: openRouterUrl,
  });
  const hashWith = (key: string): string => hashOf(Buffer.from(JSON.stringify(settingsWith(key))));

  async function isConfigured(): Promise<boolean> {
    const record = await load();
    const key = await readKey();
    if (record === undefined || key === undefined || record.written !== hashWith(key)) return false;
    const api = await apiNow();
    return api !== undefined && profilesOf(api).includes(name) && api.getActiveProfile() === name;
  }

  return {
    name: place,
    key: `in ${tool.label}'s own secret storage`,
    holdsKey: true,
    isConfigured,
    isCurrent: async () => ((await load()) === undefined ? undefined : isConfigured()),
    async preview() {
      if (await isConfigured()) return undefined;
      const shown = { [name]: settingsWith("<the key's secret>") };
      return { file: place, before: "", after: `${JSON.stringify(shown, undefined, 2)}\n` };
    },
    async plan() {
      if (await isConfigured()) return [];
      return [
        { file: place, setting: `${name}.openRouterApiKey`, value: "(your key)", replaces: false },
        { file: place, setting: `${name}.openRouterBaseUrl`, value: JSON.stringify(openRouterUrl), replaces: false },
        { file: place, setting: "the profile in use", value: JSON.stringify(name), replaces: true },
      ];
    },
    async check() {
      if ((await readKey()) === undefined) throw noKeyChosen();
      await apiOrRefuse();
    },
    async apply() {
      if (await isConfigured()) return [];
      const key = await readKey();
      if (key === undefined) throw noKeyChosen();
      const api = await apiOrRefuse();
      const [known, active] = [await load(), api.getActiveProfile()];
      const previous = typeof active === "string" && active !== name ? active : known?.previous;
      await save({ version: 1, ...(previous !== undefined && { previous }), written: hashWith(key) });
      await api.upsertProfile(name, settingsWith(key), true);
      return [place];
    },
    async undo() {
      const record = await load();
      if (record === undefined) return [];
      const api = await apiNow();
      if (api !== undefined && profilesOf(api).includes(name)) {
        const others = profilesOf(api).filter((profile) => profile !== name);
        const { previous } = record;
        if (api.getActiveProfile() === name && previous !== undefined && others.includes(previous)) {
          await api.setActiveProfile(previous);
        }
        // The last profile cannot be deleted, and must not keep the key.
        if (others.length === 0) await api.upsertProfile(name, { apiProvider: "openrouter" }, true);
        else await api.deleteProfile(name);
      }
      await undoStore.delete(id);
      return [place];
    },
    async refresh() {
      const record = await load();
      const key = await readKey();
      if (record === undefined || key === undefined || record.written === hashWith(key)) return;
      const api = await apiNow();
      if (api === undefined || !profilesOf(api).includes(name)) return;
      await save({ ...record, written: hashWith(key) });
      await api.upsertProfile(name, settingsWith(key), api.getActiveProfile() === name);
    },
  };
}

function profilesOf(api: ProfileApi): readonly string[] {
  return z.array(z.string()).safeParse(api.getProfiles()).data ?? [];
}
