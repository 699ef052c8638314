import { endWithFaults } from "./node-means.ts";

/** The function with everything that Node needs in one file, and what is done with it as the first word. */
const verbs: Readonly<Record<string, () => Promise<unknown>>> = {
  serve: () => import("./node.ts"),
  nightly: () => import("./nightly.ts"),
  migrate: () => import("./migrate.ts"),
  doctor: () => import("./doctor.ts"),
};

const verb = verbs[process.argv[2] ?? "serve"];
if (verb === undefined) {
  await endWithFaults(() => Promise.reject(new Error(`Say one of: ${Object.keys(verbs).join(", ")}.`)));
} else {
  await verb();
}
