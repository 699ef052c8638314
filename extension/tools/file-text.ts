import { UserError } from "../base/errors.ts";

/** A file's text with what an editor of text would lose: the byte order mark, and the line endings of Windows. */
export interface FileText {
  readonly text: string;
  readonly hasByteOrderMark: boolean;
}

/** Throws a UserError when the bytes are not UTF-8, since they could not be written back as they were. */
export function decodeText(bytes: Buffer, file: string): FileText {
  try {
    const whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const hasByteOrderMark = whole.startsWith("\uFEFF");
    return { text: hasByteOrderMark ? whole.slice(1) : whole, hasByteOrderMark };
  } catch {
    throw new UserError(`${file} is not UTF-8 text, so it was left as it is. Save it as UTF-8 and try again.`);
  }
}

export function encodeText({ text, hasByteOrderMark }: FileText): Buffer {
  return Buffer.from(hasByteOrderMark ? `\uFEFF${text}` : text);
}
