/** Where the company's function is. Sessions and secrets are bound to `base`, so to the origin as well. */
export interface FunctionAddress {
  /** Origin and path prefix without a slash at the end, for example `https://keys.example.com/team`. */
  readonly base: string;
  readonly origin: string;
}

export type AddressReading =
  | { readonly kind: "address"; readonly address: FunctionAddress }
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly message: string };

/** Reads `openrouterKeys.functionUrl`. Https, or http to this machine only: the session token goes there. */
export function readFunctionAddress(text: string): AddressReading {
  if (text.trim() === "") return { kind: "none" };
  return readAddress(text.trim(), "openrouterKeys.functionUrl", "https://keys.example.com");
}

/** Reads `openrouterKeys.openRouterUrl`, by the same rules: a key's secret goes there. */
export function readOpenRouterUrl(text: string): AddressReading {
  if (text.trim() === "") return { kind: "none" };
  return readAddress(text.trim(), "openrouterKeys.openRouterUrl", "https://openrouter.ai/api/v1");
}

function readAddress(text: string, setting: string, example: string): AddressReading {
  const fault = (message: string): AddressReading => ({ kind: "fault", message });
  if (!URL.canParse(text)) return fault(`${setting} is not an address. Write it like ${example}.`);
  const url = new URL(text);

  if (url.protocol !== "https:" && url.protocol !== "http:") {
    return fault(`${setting} has to begin with https://, like ${example}.`);
  }
  if (url.username !== "" || url.password !== "") {
    return fault(`${setting} contains a user name or a password. Leave it out: anybody who sees the setting sees it.`);
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    return fault(`${setting} uses http, which anybody on the way can read. Use https://${url.host} instead.`);
  }
  if (text.includes("?") || text.includes("#")) {
    return fault(`${setting} contains a ? or a #. Give the address only up to the path, like ${example}.`);
  }
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  return { kind: "address", address: { base, origin: url.origin } };
}

/** The host of a URL as `URL.hostname` writes it: this machine and nothing else. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
