import { isAbsolute } from "node:path";

/** The folder that a tool's own variable names. A relative one depends on where the tool is started, so it counts as none. */
export function findToolFolder(value: string | undefined): string | undefined {
  return value !== undefined && isAbsolute(value) ? value : undefined;
}
