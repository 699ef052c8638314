import { keyNameFault, longestKeyName } from "../../functions/contract/keys.ts";

/** A machine's name without its domain, as a key's name to begin with. */
export function machineName(hostname: string): string {
  const name = [...(hostname.split(".")[0] ?? "")].slice(0, longestKeyName).join("").trim();
  return keyNameFault(name) === undefined ? name : "my machine";
}
