// Imported before a program: prints the address of each module that is loaded from node_modules.
import { registerHooks } from "node:module";

registerHooks({
  load(url, context, nextLoad) {
    const [, path] = /\/node_modules\/(.*)$/.exec(url) ?? [];
    if (path !== undefined) process.stderr.write(`loaded ${path}\n`);
    return nextLoad(url, context);
  },
});
