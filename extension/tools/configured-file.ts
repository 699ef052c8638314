import { lstat, rmdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { UserError } from "../base/errors.ts";
import { decodeText, encodeText } from "./file-text.ts";
import { ownerOnly, readHomeFile, updateHomeFile } from "./home-file.ts";
import type { Change, HomeFile } from "./home-file.ts";
import { stand, withoutSecrets } from "./preview.ts";
import type { FilePreview } from "./preview.ts";
import { dotted, isObject, isSame, missingContainers, obstacleOn, valueAt, withSettings } from "./settings.ts";
import type { Json, JsonObject, Path, Setting, SettingsFormat } from "./settings.ts";
import type { PlannedChange, ToolSetupDeps } from "./tool.ts";
import { hashOf, parseUndoRecord } from "./undo-record.ts";
import type { UndoRecord } from "./undo-record.ts";
import { wholeFile } from "./whole-file.ts";

/** How a tool is set up by values in one file. */
export interface FileRecipe {
  readonly file: string;
  /** Tells the file from the tool's first one. */
  readonly name?: string;
  /** The tool's own folder, where the person set one. */
  readonly folder: string | undefined;
  readonly format: SettingsFormat;
  /** Without these words the file cannot be set up: saves reading it where that is costly. */
  readonly mark?: string;
  /** The values that change when the helper, OpenRouter's address or the key does: they are brought up to date later. */
  readonly moving: readonly Path[];
  /** The key itself stands in the file, which is then readable by its owner only. */
  readonly holdsKey?: boolean;
  /** False where the tool does not read it by now: it is then only undone. */
  readonly isWanted?: boolean;
  /**
   * What is to stand in the file, given what stands there. Applied to its own result it asks for the same. `key` is
   * given where the file holds it, and undefined when there is none.
   */
  wanted(current: JsonObject, key: string | undefined): readonly Setting[];
}

/** A change that is about to be written. */
interface Writing {
  readonly bytes: Buffer | undefined;
  readonly mode: number | undefined;
  readonly current: JsonObject;
  readonly wanted: readonly Setting[];
  readonly written: Buffer;
  /** The folders that are not there yet, innermost first. */
  readonly folders: readonly string[];
}

export interface ConfiguredFile {
  /** Undefined when it was not set up; else whether its values are still ours and up to date. */
  isCurrent(signal?: AbortSignal): Promise<boolean | undefined>;
  isConfigured(signal?: AbortSignal): Promise<boolean>;
  plan(signal?: AbortSignal): Promise<readonly PlannedChange[]>;
  /** Undefined when `apply` would change nothing. Throws what `apply` would throw before it writes. */
  preview(signal?: AbortSignal): Promise<FilePreview | undefined>;
  /** Throws what `apply` would throw before it writes. */
  check(signal?: AbortSignal): Promise<void>;
  apply(signal?: AbortSignal): Promise<readonly string[]>;
  undo(signal?: AbortSignal): Promise<readonly string[]>;
  refresh(signal?: AbortSignal): Promise<void>;
}

/**
 * Sets values in a tool's file and takes them out again. What each value was before is remembered one by one, since the
 * tools rewrite their files themselves: a whole file is put back only when it still is exactly what we wrote.
 * The record is stored before the file is written, so that a crash between the two leaves nothing that undo cannot undo.
 */
export function createConfiguredFile(toolId: string, recipe: FileRecipe, deps: ToolSetupDeps): ConfiguredFile {
  const { format, holdsKey: isPrivate = false, isWanted = true } = recipe;
  const id = recipe.name === undefined ? toolId : `${toolId} ${recipe.name}`;

  /** Without the helper, the address or the key in it, the person may have chosen the same values themselves. */
  const isEvidentlyOurs = recipe.moving.length > 0;

  function at(file: string, folder: string | undefined): HomeFile {
    return { file, roots: [deps.home, ...(folder === undefined ? [] : [folder])], surroundings: deps };
  }
  const here = at(recipe.file, recipe.folder);

  const loadRecord = async (): Promise<UndoRecord | undefined> => parseUndoRecord(await deps.undoStore.get(id));
  const saveRecord = (record: UndoRecord): Promise<void> => deps.undoStore.put(id, JSON.stringify(record));

  async function read(bytes: Buffer | undefined, file: string, signal?: AbortSignal): Promise<JsonObject> {
    return bytes === undefined ? {} : format.read(decodeText(bytes, file).text, signal);
  }

  async function edit(bytes: Buffer | undefined, file: string, settings: readonly Setting[], signal?: AbortSignal) {
    const { text, ...shape } = decodeText(bytes ?? Buffer.alloc(0), file);
    return encodeText({ text: await format.edit(text, settings, signal), ...shape });
  }

  const readKey = async (): Promise<string | undefined> => (isPrivate ? deps.readKey() : undefined);

  /** Without a key at hand, the one that stands there counts. */
  function wantedOf(current: JsonObject, key: string | undefined): readonly Setting[] {
    return recipe
      .wanted(current, key)
      .map((setting) =>
        setting.isSecret === true && key === undefined
          ? { ...setting, value: valueAt(current, setting.path) }
          : setting,
      );
  }

  function missingOf(current: JsonObject, wanted: readonly Setting[]): Setting[] {
    return wanted.filter(
      ({ path, value, isSecret }) =>
        !isSame(valueAt(current, path), value) || (isSecret === true && value === undefined),
    );
  }

  async function isConfigured(signal?: AbortSignal): Promise<boolean> {
    if (!isWanted) return true;
    const bytes = await readHomeFile(here);
    if (bytes === undefined || (recipe.mark !== undefined && !bytes.includes(recipe.mark))) return false;
    const current = await read(bytes, recipe.file, signal);
    return missingOf(current, wantedOf(current, await readKey())).length === 0;
  }

  async function plan(signal?: AbortSignal): Promise<readonly PlannedChange[]> {
    if (!isWanted) return [];
    const current = await read(await readHomeFile(here), recipe.file, signal);
    const missing = missingOf(current, wantedOf(current, await readKey()));
    const ours = missing.length === 0 ? undefined : await loadRecord();
    return missing.map(({ path, value, isSecret }) => {
      const present = valueAt(current, path);
      const isOurs = ours?.values.some((entry) => isSame(entry.path, path) && isSame(entry.written, present)) === true;
      return {
        file: recipe.file,
        // What is one text and no settings is known by its file.
        setting: format === wholeFile ? basename(recipe.file) : dotted(path),
        value: isSecret === true ? "(your key)" : value === undefined ? "(removed)" : JSON.stringify(value),
        replaces: present !== undefined && !isOurs,
      };
    });
  }

  async function preview(signal?: AbortSignal): Promise<FilePreview | undefined> {
    if (!isWanted) return undefined;
    const bytes = await readHomeFile(here);
    const current = await read(bytes, recipe.file, signal);
    const key = await readKey();
    if (missingOf(current, wantedOf(current, key)).length === 0) return undefined;
    const wanted = wantedOf(current, isPrivate ? stand : undefined);
    refuse(current, wanted);
    const edited = await edit(bytes, recipe.file, missingOf(current, wanted), signal);
    const keys = [stand, ...(key === undefined ? [] : [key])];
    const shown = withSettings({}, wanted);
    const clean = (text: Buffer, values: JsonObject): string =>
      withoutSecrets(decodeText(text, recipe.file).text, { keys, values, shown });
    return {
      file: recipe.file,
      before: bytes === undefined ? "" : clean(bytes, current),
      after: clean(edited, withSettings(current, wanted)),
    };
  }

  async function check(signal?: AbortSignal): Promise<void> {
    if (!isWanted) return;
    const current = await read(await readHomeFile(here), recipe.file, signal);
    refuse(current, wantedOf(current, await readKey()));
  }

  async function apply(signal?: AbortSignal): Promise<readonly string[]> {
    if (!isWanted) return [];
    const earlier = await loadRecord();
    // The tool's folder has been moved since: the old place goes back to what it was.
    const left = earlier !== undefined && earlier.file !== recipe.file ? await undo(signal) : [];
    const folders = await missingFolders(dirname(recipe.file));
    const known = await loadRecord();

    const key = await readKey();
    const decide = async (bytes: Buffer | undefined, mode: number | undefined): Promise<Change> => {
      const current = await read(bytes, recipe.file, signal);
      const wanted = wantedOf(current, key);
      refuse(current, wanted);
      const settings = missingOf(current, wanted);
      if (settings.length === 0) {
        if (known === undefined && isEvidentlyOurs) await saveRecord(recordOfOwnValues(wanted));
        return { kind: "keep" };
      }
      const written = await edit(bytes, recipe.file, settings, signal);
      signal?.throwIfAborted();
      await saveRecord(nextRecord(known, { bytes, mode, current, wanted, written, folders }));
      return { kind: "write", bytes: written };
    };
    const hasChanged = await updateHomeFile(here, decide, { isPrivate }).catch(async (error: unknown) => {
      // Nothing was written, so there is nothing to undo but what was recorded before.
      if (known === undefined) await deps.undoStore.delete(id);
      else await saveRecord(known);
      throw error;
    });
    return [...left, ...(hasChanged && !left.includes(recipe.file) ? [recipe.file] : [])];
  }

  function refuse(current: JsonObject, wanted: readonly Setting[]): void {
    for (const { path, value, isSecret } of wanted) {
      const obstacle = obstacleOn(current, path);
      if (obstacle !== undefined) {
        throw new UserError(
          `"${dotted(obstacle)}" in ${recipe.file} is not a group of settings, so the file was left as it is. Mend it and try again.`,
        );
      }
      if (isSecret === true && value === undefined) throw noKeyChosen();
    }
  }

  /** Our values stand there and nobody knows what was there before: undo then takes them out. */
  function recordOfOwnValues(wanted: readonly Setting[]): UndoRecord {
    const values = wanted.flatMap(({ path, value }) =>
      value === undefined ? [] : [{ path: [...path], written: value }],
    );
    const containers = values.flatMap(({ path }) => missingContainers({}, path)).map((path) => [...path]);
    const { file, folder } = recipe;
    const known = { version: 1, file, ...(folder && { folder }), ...volatileOf(wanted) } as const;
    return { ...known, origin: { kind: "unknown" }, containers, values };
  }

  function nextRecord(
    known: UndoRecord | undefined,
    { bytes, mode, current, wanted, written, folders }: Writing,
  ): UndoRecord {
    const { file, folder } = recipe;
    const values = wanted.map(({ path, value }) => {
      const entry = known?.values.find((candidate) => isSame(candidate.path, path));
      const present = valueAt(current, path);
      // What is not what we wrote is the person's own by now, and what undo has to put back.
      const previous = entry !== undefined && isSame(entry.written, present) ? entry.previous : present;
      return {
        path: [...path],
        ...(value !== undefined && { written: value }),
        ...(previous !== undefined && { previous }),
      };
    });
    const others = (known?.values ?? []).filter(({ path }) => !wanted.some((setting) => isSame(setting.path, path)));
    const containers = [
      ...(known?.containers ?? []),
      ...wanted.flatMap(({ path, value }) => (value === undefined ? [] : missingContainers(current, path))),
    ].map((path) => [...path]);
    // After somebody else's change, neither the first bytes nor removing the file may undo that too: each value goes back.
    const isFirst = known === undefined || bytes === undefined;
    const isOpen = isPrivate && mode !== undefined && mode !== ownerOnly(mode);
    const before = isFirst ? (isOpen ? mode : undefined) : known.mode;
    const isExact = isFirst || hashOf(bytes) === known.writtenHash;
    return {
      version: 1,
      file,
      ...(folder && { folder }),
      origin: isFirst ? originOf(bytes, folders) : known.origin,
      ...(before !== undefined && { mode: before }),
      ...(isExact && { writtenHash: hashOf(written) }),
      ...volatileOf(wanted),
      containers: containers.filter((path, index) => containers.findIndex((other) => isSame(other, path)) === index),
      values: [...others, ...values],
    };
  }

  async function undo(signal?: AbortSignal): Promise<readonly string[]> {
    const record = (await loadRecord()) ?? (await recordWithoutMemory(signal));
    if (record === undefined) return [];
    const place = at(record.file, record.folder);
    const isCreated = record.origin.kind === "absent";
    const change = async (bytes: Buffer | undefined, present: number | undefined): Promise<Change> => {
      if (bytes === undefined) return { kind: "keep" };
      // Where somebody else has set the bits since, theirs stay.
      const { mode } = record;
      const opened = mode !== undefined && present === ownerOnly(mode) ? { mode } : {};
      if (hashOf(bytes) === record.writtenHash) {
        if (record.origin.kind === "file") {
          return { kind: "write", bytes: Buffer.from(record.origin.base64, "base64"), ...opened };
        }
        if (isCreated) return { kind: "remove" };
      }
      const current = await read(bytes, record.file, signal);
      const settings = settingsBack(current, record);
      if (isCreated && Object.keys(withSettings(current, settings)).length === 0) return { kind: "remove" };
      if (settings.length === 0 && opened.mode === undefined) return { kind: "keep" };
      return { kind: "write", bytes: await edit(bytes, record.file, settings, signal), ...opened };
    };
    const hasChanged = await updateHomeFile(place, change, { isGitAllowed: true });
    for (const folder of record.origin.kind === "absent" ? record.origin.folders : []) {
      // Only an empty folder goes; the tool may have put its own files there.
      await rmdir(folder).catch(() => undefined);
    }
    await deps.undoStore.delete(id);
    return hasChanged ? [record.file] : [];
  }

  async function recordWithoutMemory(signal?: AbortSignal): Promise<UndoRecord | undefined> {
    if (!isWanted) return undefined;
    const current = await read(await readHomeFile(here), recipe.file, signal);
    const wanted = wantedOf(current, await readKey());
    return isEvidentlyOurs && missingOf(current, wanted).length === 0 ? recordOfOwnValues(wanted) : undefined;
  }

  /** Told without reading the file, which can cost a program's start. */
  function hasMoved(record: UndoRecord, key: string | undefined): boolean {
    const before = writtenBefore(record);
    return recipe.wanted({}, key).some(({ path, value }) => {
      const isMoving = recipe.moving.some((moving) => isSame(moving, path));
      return isMoving && value !== undefined && before(path) !== undefined && !isSame(value, before(path));
    });
  }

  async function refresh(signal?: AbortSignal): Promise<void> {
    const record = await loadRecord();
    if (record === undefined) return;
    const key = await readKey();
    const before = writtenBefore(record);
    if (!hasMoved(record, key)) return;

    const decide = async (bytes: Buffer | undefined): Promise<Change> => {
      if (bytes === undefined) return { kind: "keep" };
      const current = await read(bytes, record.file, signal);
      const settings = wantedOf(current, key).filter(({ path, value }) => {
        const ours = before(path);
        return ours !== undefined && isSame(valueAt(current, path), ours) && !isSame(value, ours);
      });
      if (settings.length === 0) return { kind: "keep" };
      const written = await edit(bytes, record.file, settings, signal);
      const values = record.values.map((entry) => {
        const moved = settings.find(({ path }) => isSame(path, entry.path))?.value;
        return moved === undefined ? entry : { ...entry, written: moved };
      });
      const { writtenHash, ...rest } = record;
      const isUntouched = hashOf(bytes) === writtenHash;
      await saveRecord({ ...rest, values, ...(isUntouched && { writtenHash: hashOf(written) }) });
      return { kind: "write", bytes: written };
    };
    await updateHomeFile(at(record.file, record.folder), decide, { isPrivate });
  }

  async function isCurrent(signal?: AbortSignal): Promise<boolean | undefined> {
    const record = await loadRecord();
    if (record === undefined) return undefined;
    // Told without reading the values, where nobody has written since.
    const bytes = await readHomeFile(at(record.file, record.folder)).catch(() => undefined);
    const isUntouched = bytes !== undefined && hashOf(bytes) === record.writtenHash;
    if (isUntouched && record.file === recipe.file && !hasMoved(record, await readKey())) return true;
    // A file that cannot be read now may be read by the tool all the same.
    return isConfigured(signal).catch(() => true);
  }

  return { isCurrent, isConfigured, plan, preview, check, apply, undo, refresh };
}

function writtenBefore(record: UndoRecord): (path: Path) => Json | undefined {
  return (path) => record.values.find((entry) => isSame(entry.path, path))?.written;
}

export function noKeyChosen(): UserError {
  return new UserError("No key is chosen for the tools. Create one, or choose one with “Set Up Coding Tools”.");
}

/** What undo sets: each value that still is ours goes back, and a container that we made goes when nothing is left in it. */
function settingsBack(current: JsonObject, record: UndoRecord): readonly Setting[] {
  const back = record.values
    .filter(({ path, written, previous }) => isSame(valueAt(current, path), written) && !isSame(written, previous))
    .map(({ path, previous }): Setting => ({ path, value: previous }));
  let after: JsonObject = withSettings(current, back);
  const emptied: Setting[] = [];
  for (const path of record.containers.toSorted((left, right) => right.length - left.length)) {
    if (!isEmptied(after, path, record.volatile ?? [])) continue;
    emptied.push({ path, value: undefined });
    after = withSettings(after, [{ path, value: undefined }]);
  }
  const isWithin = (path: Path, outer: Path): boolean =>
    path.length > outer.length && isSame(path.slice(0, outer.length), outer);
  return [...back, ...emptied].filter(({ path }) => !emptied.some((outer) => isWithin(path, outer.path)));
}

function isEmptied(root: JsonObject, path: Path, volatile: readonly Path[]): boolean {
  const left = valueAt(root, path);
  if (!isObject(left)) return isSame(left, []);
  return Object.keys(left).every((name) => volatile.some((other) => isSame(other, [...path, name])));
}

function volatileOf(wanted: readonly Setting[]): Pick<UndoRecord, "volatile"> {
  const volatile = wanted.flatMap(({ path, isVolatile }) => (isVolatile === true ? [[...path]] : []));
  return volatile.length > 0 ? { volatile } : {};
}

function originOf(bytes: Buffer | undefined, folders: readonly string[]): UndoRecord["origin"] {
  return bytes === undefined
    ? { kind: "absent", folders: [...folders] }
    : { kind: "file", base64: bytes.toString("base64") };
}

async function missingFolders(folder: string): Promise<readonly string[]> {
  const isThere = await lstat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? [] : [folder, ...(await missingFolders(dirname(folder)))];
}
