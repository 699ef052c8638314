import { readFile } from "node:fs/promises";
import { posix, win32 } from "node:path";
import type { Endpoint } from "./protocol.ts";

// A window leaves one file in the directory: its socket, or on Windows a file with the name of its pipe and the token.
// Both begin with the number of the window's process, so that what a killed window left can be told and swept up.

export function isEndpointFile(name: string, platform: NodeJS.Platform): boolean {
  return processOf(name) !== undefined && name.endsWith(platform === "win32" ? ".pipe" : ".sock");
}

/** The number of the process that an endpoint's file belongs to. */
export function processOf(name: string): number | undefined {
  const digits = /^([0-9]{1,10})-[0-9a-f]{12}\./.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

export async function readEndpoint(directory: string, name: string, platform: NodeJS.Platform): Promise<Endpoint> {
  if (platform !== "win32") return { address: posix.join(directory, name), token: "" };
  const [address = "", token = ""] = (await readFile(win32.join(directory, name), "utf8")).split("\n");
  // An empty token would let anybody pass for the window.
  if (!address.startsWith("\\\\.\\pipe\\openrouter-keys-") || !/^[0-9a-f]{64}$/.test(token)) {
    throw new Error("An endpoint's file is not one of ours.");
  }
  return { address, token };
}
