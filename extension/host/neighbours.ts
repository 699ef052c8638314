import { type FSWatcher, watch } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import * as z from "zod/mini";

import { Mark, type Neighbours } from "../account/neighbours.ts";
import { createEmitter } from "../base/emitter.ts";
import { describe } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { writeAtomically } from "../key-helper/atomic-write.ts";

const Note = z.object({ id: z.string(), mark: Mark });

/** The last thing that a window said, in a file of the extension's own folder that all windows watch. */
export function createNeighbours(folder: string, log: Log): Neighbours & { dispose(): void } {
  const name = "windows.json";
  const marks = createEmitter<Mark>();
  let watcher: FSWatcher | undefined;
  let isDisposed = false;
  let heard = "";

  async function hear(): Promise<void> {
    try {
      const note = Note.parse(JSON.parse(await readFile(join(folder, name), "utf8")));
      if (note.id === heard) return;
      heard = note.id;
      marks.fire(note.mark);
    } catch {
      // Written by something else, or gone again: nobody has said anything.
    }
  }

  async function listen(): Promise<void> {
    await mkdir(folder, { recursive: true });
    if (isDisposed) return;
    watcher = watch(folder, (_event, file) => {
      if (file === name) void hear();
    });
    watcher.on("error", (error) => log.warn(`Other windows are not heard any more: ${describe(error)}`));
  }
  listen().catch((error: unknown) => log.warn(`Other windows are not heard: ${describe(error)}`));

  return {
    tell: async (mark) => {
      try {
        const id = crypto.randomUUID();
        // What is written here is known here.
        heard = id;
        await mkdir(folder, { recursive: true });
        await writeAtomically(join(folder, name), Buffer.from(JSON.stringify({ id, mark })), { mode: 0o600 });
      } catch (error) {
        log.warn(`Other windows could not be told: ${describe(error)}`);
      }
    },
    onMark: marks.event,
    dispose: () => {
      isDisposed = true;
      watcher?.close();
      marks.dispose();
    },
  };
}
