import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { eq } from "drizzle-orm";

import { keys } from "../../../functions/adapters/postgres/schema.ts";
import { readBooks } from "../../support/books.ts";
import type { CreateKit } from "../../support/function.ts";
import { createKit } from "../../support/function.ts";
import type { CallOptions, Mortal, MortalAnswer, Person, World } from "../../support/mortal.ts";
import { startMortal } from "../../support/mortal.ts";

/** A person in a world of their own plan, and what is arranged for them. */
export interface Scene {
  readonly world: World;
  readonly owner: Person;
  readonly admin: Person;
  /** What ended keys have spent counts; dollars by hash. */
  readonly spent: Map<string, number>;
}

/** What a process is killed in the middle of. */
export interface Verb {
  readonly name: string;
  /** The e-mail's domain chooses the plan. */
  readonly domain?: string;
  /** The steps at which it is killed; all by default. A nightly run has many, and another verb goes through the rest. */
  readonly steps?: RegExp;
  /** Brings the scene to where the verb begins, unharmed, and returns the verb. */
  readonly arrange: (scene: Scene) => Promise<Act>;
}

export interface Act {
  /** Nobody waits for it: it is done again some time, once the dead process's leases are over. */
  readonly isByTheClock?: boolean;
  /** Done by the process that dies, and again by whoever comes back. */
  readonly run: (process: Mortal) => Promise<MortalAnswer | undefined>;
  /** What the person who came back has to find; `answer` is the last one. Throws when it is not so. */
  readonly expect?: (answer: MortalAnswer) => Promise<void> | void;
}

const minute = 60_000;
const hour = 60 * minute;

interface Made {
  readonly key: { readonly id: string; readonly limitUsd: number };
  readonly sealedSecret?: string;
}

export function madeIn(answer: MortalAnswer): Made {
  const body = Object(answer.body);
  return { key: Object(body.key), sealedSecret: body.sealedSecret };
}

/** As a patient client: the same request until it is answered for good, the clock running on meanwhile. */
export async function insist(
  world: World,
  run: (process: Mortal) => Promise<MortalAnswer | undefined>,
): Promise<MortalAnswer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await run(startMortal(world));
    if (answer === undefined) throw new Error("A process died that nobody killed.");
    const isFinal = answer.retryAfter === 0 && answer.status < 500;
    if (isFinal || tries === 60) return answer;
    world.advance(Math.max(1, answer.retryAfter) * 1000);
  }
}

async function done(scene: Scene, method: string, path: string, options?: CallOptions, by?: Person): Promise<unknown> {
  const answer = await insist(scene.world, (process) => process.call(by ?? scene.owner, method, path, options));
  assert.ok(answer.status < 300, `${method} ${path} was answered with ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Makes a key and lets it spend. */
async function have(scene: Scene, wish: Readonly<Record<string, unknown>> = {}, spendUsd = 0): Promise<string> {
  const kit = await createKit();
  const before = new Set(scene.world.openRouter.keys().map((key) => key.hash));
  const body = { name: "had", ...wish, recipient: kit.recipient };
  const made = Object(await done(scene, "POST", "/v1/keys", { body, headers: kit.headers }));
  const hash = scene.world.openRouter.keys().find((key) => !before.has(key.hash))?.hash ?? "";
  if (spendUsd > 0) {
    scene.world.openRouter.spend(hash, spendUsd);
    scene.spent.set(hash, spendUsd);
  }
  return String(made.key.id);
}

/** The secret that the person can open is that of a live key at OpenRouter. */
async function expectSecret(scene: Scene, kit: CreateKit, answer: MortalAnswer): Promise<void> {
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  const secret = await kit.open(madeIn(answer).sealedSecret ?? "");
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256").update(secret).digest("hex");
  const mine = scene.world.openRouter.keys().filter((key) => key.name.includes(`(${scene.owner.email})`));
  assert.ok(
    mine.some((key) => key.hash === hash),
    "the secret that the person has is not that of a live key",
  );
}

function create(scene: Scene, kit: CreateKit, wish: Readonly<Record<string, unknown>> = {}): Act {
  const body = { name: "laptop", ...wish, recipient: kit.recipient };
  return {
    run: (process) => process.call(scene.owner, "POST", "/v1/keys", { body, headers: kit.headers }),
    expect: async (answer) => {
      await expectSecret(scene, kit, answer);
      expectLive(scene, 1);
    },
  };
}

function rotate(scene: Scene, kit: CreateKit, keyId: string, graceSeconds?: number): Act {
  const body = { recipient: kit.recipient, ...(graceSeconds === undefined ? {} : { graceSeconds }) };
  return {
    run: (process) => process.call(scene.owner, "POST", `/v1/keys/${keyId}/rotate`, { body, headers: kit.headers }),
    expect: (answer) => expectSecret(scene, kit, answer),
  };
}

function expectLive(scene: Scene, count: number): void {
  const mine = scene.world.openRouter.keys().filter((key) => key.name.includes(`(${scene.owner.email})`));
  assert.equal(mine.length, count, `the person has ${mine.length} keys at OpenRouter`);
}

const settle: Act = {
  isByTheClock: true,
  run: async (process) => ((await process.settleDue()) === undefined ? undefined : ok),
};
const ok: MortalAnswer = { status: 200, body: undefined, retryAfter: 0 };

const nightly: Act = {
  isByTheClock: true,
  run: async (process) => {
    const summary = await process.runNightly();
    if (summary === undefined) return undefined;
    // A run that died keeps the next one out for a while.
    return "skipped" in summary ? { status: 503, body: summary, retryAfter: 1 } : ok;
  },
};

function leave({ world, owner: { email } }: Scene): void {
  world.google.users.set(email, { id: email, primaryEmail: email, suspended: true });
}

/** Nothing works any more that the person ever had. */
async function expectGone(scene: Scene, kept: number): Promise<void> {
  const session = await startMortal(scene.world).call(scene.owner, "GET", "/v1/me");
  assert.deepStrictEqual(
    [session?.status, upstreamOf(scene).map((key) => key.disabled)],
    [401, Array.from({ length: kept }, () => true)],
  );
}

async function manage({ world }: Scene, method: string, path: string, body?: unknown): Promise<void> {
  const { apiUrl, managementKey } = world.openRouter;
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: { Authorization: `Bearer ${managementKey}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  assert.ok(response.ok, `${method} ${path} was answered with ${response.status}`);
}

/** Runs it in a process that dies right after a step whose name begins so. */
export async function dieAfter(scene: Scene, act: Act, stepName: string): Promise<void> {
  // The number of the step is not known beforehand, and a rehearsal would change the scene.
  const process = startMortal(scene.world, {
    crash: (step, name) => (name.startsWith(stepName) ? "after" : undefined),
  });
  assert.equal(await act.run(process), undefined, `no step begins with ${stepName}: ${process.steps.join(", ")}`);
}

async function raised(scene: Scene): Promise<{ keyId: string; approve: Act; until: number }> {
  const keyId = await have(scene);
  const until = scene.world.now() + 2 * hour;
  const body = { keyId, limitUsd: 50, until: new Date(until).toISOString(), reason: "A big job." };
  const raise = Object(await done(scene, "POST", "/v1/raises", { body }));
  return {
    keyId,
    until,
    approve: {
      run: (process) =>
        process.call(scene.admin, "POST", `/v1/admin/raises/${raise.id}`, { body: { decision: "approve" } }),
      expect: (answer) => {
        assert.equal(answer.status, 200, JSON.stringify(answer.body));
      },
    },
  };
}

function patch(scene: Scene, keyId: string, body: Readonly<Record<string, unknown>>, isSo: () => boolean): Act {
  return {
    run: (process) => process.call(scene.owner, "PATCH", `/v1/keys/${keyId}`, { body }),
    expect: (answer) => {
      assert.deepStrictEqual([answer.status, isSo()], [200, true]);
    },
  };
}

function upstreamOf(scene: Scene) {
  return scene.world.openRouter.keys().filter((key) => key.name.includes(`(${scene.owner.email})`));
}

/** Every verb that changes something, begun from wherever it may have to begin. */
export const verbs: readonly Verb[] = [
  { name: "create", arrange: async (scene) => create(scene, await createKit()) },
  {
    name: "create under a guardrail",
    domain: "governed.example.com",
    arrange: async (scene) => create(scene, await createKit()),
  },
  {
    name: "create again, after a process died with the key made",
    arrange: async (scene) => {
      const act = create(scene, await createKit());
      await dieAfter(scene, act, "POST");
      scene.world.advance(minute);
      return act;
    },
  },
  {
    name: "create in the room of an expired key",
    arrange: async (scene) => {
      await have(scene, { limitUsd: 40, expiresAt: new Date(scene.world.now() + hour).toISOString() }, 10);
      scene.world.advance(2 * hour);
      return create(scene, await createKit(), { limitUsd: 40 });
    },
  },
  {
    name: "sweep what a dead process left",
    arrange: async (scene) => {
      await dieAfter(scene, create(scene, await createKit()), "POST");
      scene.world.advance(minute);
      return { ...settle, expect: () => expectLive(scene, 0) };
    },
  },
  {
    name: "rotate",
    arrange: async (scene) => {
      const keyId = await have(scene, {}, 3);
      const act = rotate(scene, await createKit(), keyId);
      return {
        ...act,
        expect: async (answer) => {
          await act.expect?.(answer);
          expectLive(scene, 2);
        },
      };
    },
  },
  {
    name: "rotate a key that has to make room",
    arrange: async (scene) => rotate(scene, await createKit(), await have(scene, { limitUsd: 40 }, 10)),
  },
  {
    name: "sweep a rotation that made room and came to nothing",
    arrange: async (scene) => {
      const keyId = await have(scene, { limitUsd: 40 }, 10);
      await dieAfter(scene, rotate(scene, await createKit(), keyId), "POST");
      scene.world.advance(2 * minute);
      return { ...settle, expect: () => assert.equal(upstreamOf(scene)[0]?.limit, 40) };
    },
  },
  {
    name: "retire a rotated key, whose successor gets the room",
    arrange: async (scene) => {
      const keyId = await have(scene, { limitUsd: 40 }, 10);
      const act = rotate(scene, await createKit(), keyId, 60);
      await insist(scene.world, act.run);
      scene.world.advance(2 * minute);
      return { ...settle, expect: () => expectLive(scene, 1) };
    },
  },
  {
    name: "delete",
    arrange: async (scene) => {
      const keyId = await have(scene, {}, 10);
      return {
        run: (process) => process.call(scene.owner, "DELETE", `/v1/keys/${keyId}`),
        expect: (answer) => {
          assert.equal(answer.status, 204);
          expectLive(scene, 0);
        },
      };
    },
  },
  {
    name: "delete by an administrator",
    arrange: async (scene) => {
      const keyId = await have(scene, {}, 10);
      return {
        run: (process) => process.call(scene.admin, "DELETE", `/v1/admin/keys/${keyId}`),
        expect: () => expectLive(scene, 0),
      };
    },
  },
  {
    name: "disable",
    arrange: async (scene) =>
      patch(scene, await have(scene), { disabled: true }, () => upstreamOf(scene)[0]?.disabled === true),
  },
  {
    name: "enable",
    arrange: async (scene) => {
      const keyId = await have(scene);
      await done(scene, "PATCH", `/v1/keys/${keyId}`, { body: { disabled: true } });
      return patch(scene, keyId, { disabled: false }, () => upstreamOf(scene)[0]?.disabled === false);
    },
  },
  {
    name: "rename",
    arrange: async (scene) =>
      patch(scene, await have(scene), { name: "desk" }, () => upstreamOf(scene)[0]?.name.startsWith("desk ") === true),
  },
  {
    name: "approve a raise",
    arrange: async (scene) => {
      const { approve } = await raised(scene);
      return {
        ...approve,
        expect: async (answer) => {
          await approve.expect?.(answer);
          // Where OpenRouter could not be told at once, the clock does it.
          scene.world.advance(2 * minute);
          await startMortal(scene.world).settleDue();
          assert.equal(upstreamOf(scene)[0]?.limit, 50);
        },
      };
    },
  },
  {
    name: "end a raise",
    arrange: async (scene) => {
      const { approve, until } = await raised(scene);
      await insist(scene.world, approve.run);
      scene.world.advance(until - scene.world.now() + minute);
      return settle;
    },
  },
  {
    name: "expire",
    arrange: async (scene) => {
      await have(scene, { expiresAt: new Date(scene.world.now() + hour).toISOString() }, 10);
      scene.world.advance(2 * hour);
      return { ...settle, expect: () => expectLive(scene, 0) };
    },
  },
  {
    name: "find a key vanished",
    arrange: async (scene) => {
      await have(scene);
      await manage(scene, "DELETE", `/keys/${upstreamOf(scene)[0]?.hash}`);
      return { isByTheClock: true, run: (process) => process.call(scene.owner, "GET", "/v1/keys") };
    },
  },
  {
    name: "end the access of a leaver with a key, a disabled one, one in the making and a wish for a raise",
    arrange: async (scene) => {
      const keyId = await have(scene, { limitUsd: 10 }, 3);
      const disabledId = await have(scene, { limitUsd: 10 });
      await done(scene, "PATCH", `/v1/keys/${disabledId}`, { body: { disabled: true } });
      const until = new Date(scene.world.now() + hour).toISOString();
      await done(scene, "POST", "/v1/raises", { body: { keyId, limitUsd: 15, until, reason: "A big job." } });
      await dieAfter(scene, create(scene, await createKit(), { limitUsd: 10 }), "POST");
      leave(scene);
      return { ...nightly, expect: () => expectGone(scene, 2) };
    },
  },
  {
    name: "end the access of a leaver in the middle of a rotation under a raise",
    steps: /^(?:block|release|confirm|PATCH .*|DELETE .*)$/,
    arrange: async (scene) => {
      const { keyId, approve } = await raised(scene);
      await insist(scene.world, approve.run);
      await dieAfter(scene, rotate(scene, await createKit(), keyId), "POST");
      leave(scene);
      return { ...nightly, expect: () => expectGone(scene, 1) };
    },
  },
  {
    name: "disable again what was revoked, then enabled at OpenRouter",
    steps: /^(?:hold|PATCH .*|write|letGo)$/,
    arrange: async (scene) => {
      await have(scene);
      leave(scene);
      await insist(scene.world, nightly.run);
      await manage(scene, "PATCH", `/keys/${upstreamOf(scene)[0]?.hash}`, { disabled: false });
      return { ...nightly, expect: () => expectGone(scene, 1) };
    },
  },
  {
    name: "erase a revoked key that was kept for long enough",
    steps: /^(?:claimKept|DELETE .*|end)$/,
    arrange: async (scene) => {
      const keyId = await have(scene, {}, 10);
      leave(scene);
      await insist(scene.world, nightly.run);
      // The scenes share a month, and what was spent in it counts.
      const revokedAt = new Date(scene.world.now() - 40 * 24 * hour);
      await scene.world.database.update(keys).set({ revokedAt }).where(eq(keys.id, keyId));
      return { ...nightly, expect: () => expectGone(scene, 0) };
    },
  },
  {
    name: "bring keys and rows together",
    steps: /^(?:hold|DELETE .*|PATCH .*|write|end|change|letGo)$/,
    arrange: async (scene) => {
      for (let made = 0; made < 2; made += 1) await have(scene, { limitUsd: 10 });
      const [vanished, disabled] = upstreamOf(scene);
      const mark = /\[ork-([0-9a-f]+)-/.exec(disabled?.name ?? "")?.[1] ?? "";
      await manage(scene, "DELETE", `/keys/${vanished?.hash}`);
      await manage(scene, "PATCH", `/keys/${disabled?.hash}`, { disabled: true });
      const orphan = `orphan (${scene.owner.email}) [ork-${mark}-${randomUUID().replaceAll("-", "")}-1]`;
      await manage(scene, "POST", "/keys", { name: orphan, limit: 1 });
      // A key that was made while the list was read may not be in it.
      scene.world.advance(1_000);
      return {
        ...nightly,
        expect: async () => {
          const { rows } = await readBooks(scene.world, scene.owner.id);
          assert.deepStrictEqual(
            [upstreamOf(scene).map((key) => key.hash), rows.map((row) => [row.phase, row.disabled]).toSorted()],
            [
              [disabled?.hash],
              [
                ["gone", false],
                ["live", true],
              ],
            ],
          );
        },
      };
    },
  },
];
