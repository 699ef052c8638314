import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

import * as z from "zod/mini";

import { callsAs } from "./calls.ts";

const managementKey = "a-management-key-of-no-special-form";

describe("the stand-in for OpenRouter as a process of its own", () => {
  let child: ChildProcess;
  let origin: string;
  before(async () => {
    const main = new URL("main.ts", import.meta.url).pathname;
    child = spawn(process.execPath, [main, "--management-key", managementKey], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(child.stdout instanceof Readable);
    const [line] = z.tuple([z.string()]).parse(await once(createInterface(child.stdout), "line"));
    const address = /^stand-in for OpenRouter on (http:\/\/127\.0\.0\.1:\d+)\/api\/v1$/.exec(line)?.[1];
    assert.ok(address !== undefined, line);
    origin = address;
  });
  after(async () => {
    if (child.exitCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });

  const manage = () => callsAs({ apiUrl: `${origin}/api/v1` }, managementKey);
  const control = () => callsAs({ apiUrl: `${origin}/stand-in` }, null);

  it("is told over HTTP to break, to spend and what time it is, and tells what it saw", async () => {
    await control()("POST", "/clock", { set: "2026-11-24T10:00:00Z" });
    const advanced = await control()("POST", "/clock", { advanceMs: 1500 });
    const hang = { method: "POST", path: "/keys", times: 1, fault: { kind: "status", status: 502, when: "after" } };
    await control()("PUT", "/faults", [hang]);
    const lost = await manage()("POST", "/keys", { name: "alice", limit: 10, limit_reset: "daily" });
    const Keys = z.object({ keys: z.array(z.looseObject({ hash: z.string() })) });
    const [made] = Keys.parse((await control()("GET", "/keys")).body).keys;
    await control()("POST", "/spend", { hash: made?.hash, usd: 1 });
    await control()("POST", "/spend", { hash: made?.hash, usd: 3, at: "2026-11-23T23:59:59Z" });
    await control()("PATCH", "/knobs", { labelTail: 3 });

    const rules = await control()("GET", "/faults");
    const requests = await control()("GET", "/requests");
    const [key] = Keys.parse((await control()("GET", "/keys")).body).keys;
    assert.deepEqual(
      {
        now: advanced.body,
        lost: lost.status,
        rules: rules.body,
        key: { usage: key?.["usage"], left: key?.["limit_remaining"], label: String(key?.["label"]).length },
        seen: z
          .object({ requests: z.array(z.object({ path: z.string(), credential: z.string() })) })
          .parse(requests.body),
      },
      {
        now: { now: "2026-11-24T10:00:01.500Z" },
        lost: 502,
        rules: { rules: [{ ...hang, skip: 0, fired: 1 }] },
        key: { usage: 4, left: 9, label: "sk-or-v1-000...000".length },
        seen: { requests: [{ path: "/api/v1/keys", credential: "management" }] },
      },
    );

    const cleared = [];
    for (const path of ["/requests", "/faults"]) cleared.push((await control()("DELETE", path)).body);
    const knobs = z.object({ labelTail: z.number() }).parse((await control()("DELETE", "/knobs")).body);
    assert.deepEqual([cleared, knobs], [[{ requests: [] }, { rules: [] }], { labelTail: 4 }]);
  });

  const wrong = [
    ["POST", "/faults", { path: "/keys", fault: { kind: "hang", when: "after", ms: 3 } }],
    ["PUT", "/faults", [{ path: "/keys", fault: { kind: "explode" } }]],
    ["PATCH", "/knobs", { pageSize: 0 }],
    ["PATCH", "/knobs", { pagesize: 5 }],
    ["POST", "/clock", { set: "yesterday" }],
    ["POST", "/spend", { usd: 3 }],
  ] as const;
  for (const [method, path, body] of wrong) {
    it(`refuses ${JSON.stringify(body)} and changes nothing`, async () => {
      const state = async () => [(await control()("GET", "/faults")).body, (await control()("GET", "/knobs")).body];
      const before = await state();
      const refused = await control()(method, path, body);
      assert.equal(refused.status, 400);
      assert.deepEqual(await state(), before);
    });
  }

  it("ends when it is told to, and says so with 0", async () => {
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "exit"), [0, null]);
  });
});
