/** The one form of a page, with the buttons that send it. */
export interface PageForm {
  readonly action: string;
  readonly buttons: readonly { readonly name: string; readonly value: string; readonly text: string }[];
}

/** Reads the stand-in issuer's own page; not a general HTML parser. Undefined: the page has no form to post. */
export function readForm(html: string): PageForm | undefined {
  const [, attributes = "", content = ""] = /<form\b([^>]*)>(.*?)<\/form>/s.exec(html) ?? [];
  const action = readAttribute(attributes, "action");
  if (action === undefined) return undefined;

  const buttons = [...content.matchAll(/<button\b([^>]*)>(.*?)<\/button>/gs)].map(([, tag = "", inside = ""]) => ({
    name: readAttribute(tag, "name") ?? "",
    value: readAttribute(tag, "value") ?? "",
    text: readText(inside),
  }));
  return { action, buttons };
}

/** What a person reads of a piece of HTML: tags removed, white space folded. */
export function readText(html: string): string {
  return unescapeHtml(html.replace(/<[^>]*>/g, ""))
    .replace(/\s+/g, " ")
    .trim();
}

function readAttribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : unescapeHtml(value);
}

function unescapeHtml(text: string): string {
  return text.replace(/&#(\d+);/g, (_entity, code: string) => String.fromCharCode(Number(code)));
}
