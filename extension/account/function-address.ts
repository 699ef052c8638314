import { t } from "../base/words.ts";

/** Where the company's function is. Sessions and secrets are bound to `base`, so to the origin as well. */
export interface FunctionAddress {
  /** Origin and path prefix without a slash at the end, for example `https://keys.example.com/team`. */
  readonly base: string;
  readonly origin: string;
}

export type AddressReading =
  | { readonly kind: "address"; readonly address: FunctionAddress }
  | { readonly kind: "none" }
  /** `text`: what was set, to be mended. */
  | { readonly kind: "fault"; readonly message: string; readonly text?: string };

/** Reads `openrouterKeys.functionUrl`. Https, or http to this machine only: the session token goes there. */
export function readFunctionAddress(text: string): AddressReading {
  if (text.trim() === "") return { kind: "none" };
  return readAddress(text.trim(), "openrouterKeys.functionUrl", "https://keys.example.com");
}

/** What is wrong with an address of the function while it is typed; undefined when nothing is, or nothing is there. */
export function functionAddressFault(text: string): string | undefined {
  if (text.trim() === "") return undefined;
  const reading = readAddress(text.trim(), t("This"), "https://keys.example.com");
  return reading.kind === "fault" ? reading.message : undefined;
}

/** Reads `openrouterKeys.openRouterUrl`, by the same rules: a key's secret goes there. */
export function readOpenRouterUrl(text: string): AddressReading {
  if (text.trim() === "") return { kind: "none" };
  return readAddress(text.trim(), "openrouterKeys.openRouterUrl", "https://openrouter.ai/api/v1");
}

function readAddress(text: string, setting: string, example: string): AddressReading {
  const fault = (message: string): AddressReading => ({ kind: "fault", message, text });
  if (!URL.canParse(text)) return fault(t("{0} is not an address. Write it like {1}.", setting, example));
  const url = new URL(text);

  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return fault(t("{0} has to begin with https://, like {1}.", setting, example));
  }
  if (url.username !== "" || url.password !== "") {
    return fault(
      t("{0} contains a user name or a password. Leave it out: anybody who sees the setting sees it.", setting),
    );
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return fault(t("{0} uses http, which anybody on the way can read. Use https://{1} instead.", setting, url.host));
  }
  if (text.includes("?") || text.includes("#")) {
    return fault(t("{0} contains a ? or a #. Give the address only up to the path, like {1}.", setting, example));
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  return { kind: "address", address: { base, origin: url.origin } };
}

/** The host of a URL as `URL.hostname` writes it: this machine and nothing else. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
