import type { Raise } from "../../functions/contract/raises.ts";
import { presentable } from "../base/errors.ts";
import { dayOf, usd } from "./wording.ts";

/** What is kept of raises over windows and starts: ids, and nothing else. Writing never rejects. */
export interface WatchedRaises {
  read(): readonly string[];
  write(ids: readonly string[]): Promise<void>;
}

export interface RaiseNews {
  readonly id: string;
  readonly kind: "good" | "bad";
  readonly sentence: string;
}

/**
 * What the person has not been told yet. A raise is watched from when it was seen waiting until it was told of, so that
 * a machine that comes later tells of nothing old. It is kept in mind before it is told: a window that is closed with the
 * message in it has told. `mayTell`: in the window in front only, as every window reads the same.
 */
export async function raiseNews(
  raises: readonly Raise[],
  watched: WatchedRaises,
  mayTell: boolean,
): Promise<readonly RaiseNews[]> {
  const before = watched.read();
  const waiting = raises.filter(({ state }) => state === "waiting").map(({ id }) => id);
  const settled = raises.filter(({ id, state }) => before.includes(id) && state !== "waiting" && state !== "unknown");
  const told = new Set(mayTell ? settled.map(({ id }) => id) : []);
  const after = [...new Set([...before, ...waiting])].filter((id) => !told.has(id));
  if (after.join() !== before.join()) await watched.write(after);
  return settled.filter(({ id }) => told.has(id)).flatMap(newsOf);
}

function newsOf({ id, state, keyName, limitUsd, until, note, decidedAt }: Raise): readonly RaiseNews[] {
  const key = `“${presentable(keyName)}”`;
  const remark = note === undefined ? "" : ` The administrator writes: “${presentable(note, 500)}”`;
  if (state === "approved") {
    return [
      { id, kind: "good", sentence: `Approved: ${key} may spend ${usd(limitUsd)} until ${dayOf(until)}.${remark}` },
    ];
  }
  if (state === "refused") {
    return [{ id, kind: "bad", sentence: `Refused: your request for ${usd(limitUsd)} on ${key}.${remark}` }];
  }
  // Without a decision it ended with its key, which the person knows of.
  if (decidedAt === undefined) return [];
  return [
    {
      id,
      kind: "good",
      sentence: `${key} had ${usd(limitUsd)} until ${dayOf(until)}: approved, and over again.${remark}`,
    },
  ];
}
