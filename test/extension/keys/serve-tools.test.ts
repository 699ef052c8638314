import assert from "node:assert/strict";

import { createServing } from "../../../extension/keys/serve-tools.ts";
import { createRecordingLog } from "../support/recording-log.ts";

describe("serving the key helper", () => {
  it("listens while it is wanted, and changes one at a time", async () => {
    const calls: string[] = [];
    let wanted = false;
    const act = (name: string) => async () => {
      calls.push(`${name}…`);
      await new Promise(setImmediate);
      calls.push(name);
    };
    const server = { start: act("start"), stop: act("stop") };
    const serving = createServing({
      isWanted: async () => wanted,
      server: async () => server,
      log: createRecordingLog(),
    });
    await serving.sync();
    wanted = true;
    await Promise.all([serving.sync(), serving.sync(), serving.stop(), serving.sync()]);
    assert.deepEqual(calls, ["start…", "start", "stop…", "stop", "start…", "start"]);
  });

  it("tries again after a start that failed", async () => {
    let failures = 1;
    let starts = 0;
    const server = {
      start: async () => {
        starts += 1;
        if ((failures -= 1) >= 0) throw new Error("no directory");
      },
      stop: async () => {},
    };
    const log = createRecordingLog();
    const serving = createServing({ isWanted: async () => true, server: async () => server, log });
    await serving.sync();
    await serving.sync();
    await serving.sync();
    assert.deepEqual(
      [starts, log.lines],
      [2, ["The key helper's server failed: Error: no directory", "The key helper is answered."]],
    );
  });
});
