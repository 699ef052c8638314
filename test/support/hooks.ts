import { closeDatabases } from "./databases.ts";

/** Required by mocha before any test; see test/mocharc.json. */
export const mochaHooks = {
  async afterAll(this: Mocha.Context): Promise<void> {
    // The files of hundreds of databases go.
    this.timeout(60_000);
    await closeDatabases();
  },
};
