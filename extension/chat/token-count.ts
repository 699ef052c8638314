import type { Message } from "./conversation.ts";

/**
 * Tokens, estimated: each maker counts in another way, and OpenRouter does not count before it answers. Letters of
 * other scripts are often a token each; English has about four letters to one.
 */
export function countTokens(message: string | Message): number {
  if (typeof message === "string") return ofText(message);
  // Each message has a frame of its own.
  return 4 + ofParts(message.parts);
}

/** What makers reckon for an image of middling size. */
const ofImage = 1000;

function ofParts(parts: Message["parts"]): number {
  let sum = 0;
  for (const part of parts) {
    if (part.kind === "text") sum += ofText(part.text);
    else if (part.kind === "image") sum += ofImage;
    else if (part.kind === "call") sum += ofText(part.name) + ofText(JSON.stringify(part.input));
    else if (part.kind === "result") sum += ofParts(part.parts);
  }
  return sum;
}

function ofText(text: string): number {
  let plain = 0;
  let others = 0;
  for (const character of text) {
    if (character <= "\u024f") plain += 1;
    else others += 1;
  }
  return Math.ceil(plain / 4) + others;
}
