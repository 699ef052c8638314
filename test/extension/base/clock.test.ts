import assert from "node:assert/strict";

import { systemClock } from "../../../extension/base/clock.ts";
import { CancelledError, describe as inWords, UserError } from "../../../extension/base/errors.ts";

describe("waiting", () => {
  it("ends as a cancel when the person cancels", async () => {
    const stop = new AbortController();
    const waiting = systemClock.sleep(60_000, stop.signal).catch((error: unknown) => error);
    stop.abort();
    assert.ok((await waiting) instanceof CancelledError);
  });

  it("ends by itself", async () => {
    await systemClock.sleep(1);
    await systemClock.sleep(1, new AbortController().signal);
  });
});

describe("an error in the log", () => {
  it("names the chain of causes", () => {
    const error = new UserError("It did not work.", { cause: new TypeError("fetch failed", { cause: "reset" }) });
    assert.equal(inWords(error), "UserError: It did not work. (because TypeError: fetch failed (because reset))");
  });
});
