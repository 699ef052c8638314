import { closeDatabases } from "./databases.ts";
import { removeBundle } from "./function-process.ts";

/** Required by mocha before any test; see test/mocharc.json. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(60_000);
    await Promise.all([closeDatabases(), removeBundle()]);
  },
};
