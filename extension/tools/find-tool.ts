import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { findPrograms } from "./program.ts";
import type { ToolSetupDeps } from "./tool.ts";

export interface ToolPlaces {
  /** The name of its command; a tool that is an extension alone has none. */
  readonly program?: string;
  /** Its own folders for programs, below the home folder. */
  readonly programFolders?: readonly string[];
  readonly extensions?: readonly string[];
  /** Its own folder, which tells of a program that this window's PATH does not reach. */
  readonly folder?: string;
}

/** Where a tool is, as a sentence; undefined when it is nowhere. */
export async function findTool(deps: ToolSetupDeps, places: ToolPlaces): Promise<string | undefined> {
  const folders = (places.programFolders ?? []).map((folder) => join(deps.home, folder));
  const [program] = places.program === undefined ? [] : await findPrograms(places.program, deps, folders);
  const [extension] = (places.extensions ?? []).flatMap((id) => deps.extensionFolder(id) ?? []);
  const place = program ?? extension ?? (await existing(places.folder));
  return place === undefined ? undefined : `Found at ${place}.`;
}

function existing(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return Promise.resolve(undefined);
  return stat(path).then(
    () => path,
    () => undefined,
  );
}

/** The folder that a tool's own variable names. A relative one depends on where the tool is started, so it counts as none. */
export function folderOf(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
