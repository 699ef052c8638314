/** What a model says to one call, before any protocol gives it a form. */
export interface Reply {
  readonly id: string;
  readonly model: string;
  readonly text: string;
  /** In place of the text, in the protocols that know how. */
  readonly call: { readonly name: string; readonly json: string } | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  readonly at: Date;
}

/** One event of a stream; `event` is left out where the protocol names none. */
export interface StreamEvent {
  readonly event?: string;
  readonly data: string;
}

/** A protocol: the reply as one JSON object, and as the events of a stream. */
export interface Protocol {
  readonly whole: (reply: Reply) => unknown;
  readonly stream: (reply: Reply) => readonly StreamEvent[];
}

/** The text in up to two pieces, so that a client that keeps only the last delta is found out. */
export function deltasOf(text: string): readonly string[] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== "");
}
