import { closeDatabases } from "./databases.ts";

/** Required by mocha before any test; see test/mocharc.json. */
export const mochaHooks = {
  async afterAll(): Promise<void> {
    await closeDatabases();
  },
};
