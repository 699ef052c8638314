import assert from "node:assert/strict";
import { chmod, cp, readdir, rm } from "node:fs/promises";
import { basename, join } from "node:path";

import { findInstalledBinaries, readLinks, runnableBinaries } from "./binaries.ts";
import { runToEnd } from "./server-process.ts";
import { findUnprivilegedUser, makeReachableFolder } from "./unprivileged-user.ts";
import type { SystemUser } from "./unprivileged-user.ts";

describe("the PostgreSQL binaries", () => {
  const folders: string[] = [];

  async function makeFolder(user?: SystemUser): Promise<string> {
    const folder = await makeReachableFolder("openrouter-keys-binaries-", user);
    folders.push(folder);
    return folder;
  }

  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  it("are copied whole where the package was unpacked bare into somebody's private folder", async () => {
    const user = await findUnprivilegedUser();
    const [bare, folder] = [join(await makeFolder(), "native"), await makeFolder(user)];
    await cp(await findInstalledBinaries(), bare, { recursive: true, verbatimSymlinks: true });
    for (const entry of await readdir(bare, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isSymbolicLink()) await rm(path);
      else if (entry.isFile()) await chmod(path, 0o600);
    }

    const native = await runnableBinaries(bare, user, folder);
    assert.equal(native, join(folder, "native"));
    for (const program of ["initdb", "postgres"]) {
      await runToEnd({ bin: join(native, "bin"), folder, user }, program, ["--version"]);
    }
    const expected = await readLinks(bare);
    assert.deepStrictEqual(
      {
        links: await linksBelow(native),
        archives: (await readdir(native, { recursive: true })).filter((name) => name.endsWith(".a")),
        // A copy that can be run as it lies is not copied again.
        again: await runnableBinaries(native, user, await makeFolder(user)),
      },
      { links: expected.map(({ target }) => basename(target)).toSorted(), archives: [], again: native },
    );
  });
});

async function linksBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isSymbolicLink())
    .map(({ name }) => name)
    .toSorted();
}
