import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

import type { Caller } from "./auth.ts";

/** What every route of the stand-in finds beside the request. */
export interface StandInEnv {
  Bindings: HttpBindings;
  Variables: {
    /** Whose credential the request carries. */
    readonly caller: Caller;
    /** The request's body, read before any fault, so that a client that hangs up does not undo the call. */
    readonly body: string;
  };
}

export type StandInContext = Context<StandInEnv>;

/** The body as JSON; undefined when it is none. */
export function jsonBody(c: StandInContext): unknown {
  return parseJson(c.get("body"));
}

/** undefined when the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
