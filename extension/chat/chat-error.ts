import { UserError } from "../base/errors.ts";

/** Who is to do something about it: whoever has the key, whoever chose the model, or nobody. */
export type ChatFault = "key" | "limit" | "model" | "passing";

/** A model gave no answer, or not all of it. The message is a sentence for the person. */
export class ChatError extends UserError {
  override readonly name = "ChatError";
  readonly fault: ChatFault;

  constructor(message: string, fault: ChatFault, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.fault = fault;
  }
}
