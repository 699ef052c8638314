import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { findUnprivilegedUser, mayAccess } from "./unprivileged-user.ts";

describe("the account PostgreSQL runs as", () => {
  it("is never root, and nobody else than who runs the tests unless that is root", async () => {
    const user = await findUnprivilegedUser();
    assert.equal(user === undefined, process.getuid?.() !== 0);
    assert.notEqual(user?.uid, 0);
  });

  it("reaches a file only if it may enter every folder above it", async () => {
    const folder = await mkdtemp("/tmp/openrouter-keys-access-");
    const path = join(folder, "file");
    await writeFile(path, "");
    const { uid, gid } = await stat(path);
    const [owner, colleague, stranger] = [
      { uid, gid },
      { uid: uid + 1, gid },
      { uid: uid + 1, gid: gid + 1 },
    ];
    const outcomes: Record<string, readonly boolean[]> = {};
    for (const [folderMode, fileMode] of [
      [0o755, 0o644],
      [0o755, 0o640],
      [0o700, 0o644],
      [0o710, 0o640],
      [0o711, 0o204],
    ] as const) {
      await chmod(folder, folderMode);
      await chmod(path, fileMode);
      outcomes[`${folderMode.toString(8)} ${fileMode.toString(8)}`] = [
        await mayAccess(path, owner, 4),
        await mayAccess(path, colleague, 4),
        await mayAccess(path, stranger, 4),
      ];
    }
    const missing = await mayAccess(join(folder, "missing"), owner, 4);
    await rm(folder, { recursive: true });

    assert.deepStrictEqual(
      { missing, ...outcomes },
      {
        missing: false,
        "755 644": [true, true, true],
        "755 640": [true, true, false],
        "700 644": [true, false, false],
        "710 640": [true, true, false],
        "711 204": [false, false, true],
      },
    );
  });
});
