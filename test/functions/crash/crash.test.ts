import assert from "node:assert/strict";

import type { Phase } from "../../../functions/policy/key-phase.ts";
import { livePhases, transitions } from "../../../functions/policy/key-phase.ts";
import type { BothSides } from "../../support/books.ts";
import { faultsAtRest, faultsNow, readBooks, readKeys } from "../../support/books.ts";
import { databaseKinds } from "../../support/databases.ts";
import type { Side, World } from "../../support/mortal.ts";
import { createWorld, startMortal } from "../../support/mortal.ts";
import type { Act, Scene, Verb } from "./verbs.ts";
import { insist, verbs } from "./verbs.ts";

const budgetUsd = 60;
const minute = 60_000;
const day = 24 * 60 * minute;

type Transition = keyof typeof transitions;

const bothSides: readonly Side[] = ["before", "after"];
const afterOnly: readonly Side[] = ["after"];

for (const kind of databaseKinds) {
  describe(`a process killed before and after every step, on ${kind.name}`, function () {
    this.timeout(120_000);
    let world: World;
    let people = 0;
    /** Which transitions a process was killed right before and right after. */
    const covered = new Set<Transition>();

    before(async () => {
      const plan = { maxKeys: 3, budgetUsd, maxKeyUsd: 40, createsPerHour: 1000 };
      const environment: Record<string, string> = { ADMIN_EMAILS: "admin@example.com" };
      world = await createWorld(await kind.openWithView(), environment);
      environment["PLANS"] = JSON.stringify([
        { match: { domains: ["governed.example.com"] }, ...plan, guardrailId: await makeGuardrail(world) },
        { match: "everyone", ...plan },
      ]);
    });
    after(() => world.stop());

    async function stage(verb: Verb): Promise<{ scene: Scene; act: Act }> {
      people += 1;
      const owner = await world.enter(`person-${people}@${verb.domain ?? "example.com"}`);
      // A session that was used long ago would take a step more.
      const admin = await world.enter("admin@example.com");
      const scene: Scene = { world, owner, admin, spent: new Map() };
      return { scene, act: await verb.arrange(scene) };
    }

    /** The faults so far, and at rest after all that was due has been done. */
    async function conclude(scene: Scene, faults: string[]): Promise<void> {
      world.advance(3 * minute);
      await startMortal(world).settleDue();
      const books = await readBooks(world, scene.owner.id);
      faults.push(...faultsNow(books, ceiling(scene)), ...faultsAtRest(books, ceiling(scene)));
      // Out of the way of the scenes that follow, which would become slower and slower.
      await world.forget(scene.owner.id, books);
    }

    /**
     * A death between two steps leaves rows and keys, alike on either database: that each verb of a store does the same
     * on both is shown where stores and routes are tested. So every step is died at on PostgreSQL, and on PGlite those
     * at which a key changes its phase.
     */
    const isEveryStep = kind === databaseKinds[1];
    for (const verb of verbs) {
      it(verb.name, async () => {
        // Unharmed, to learn the steps and what each changes.
        const { scene, act } = await stage(verb);
        const changes: (readonly Transition[])[] = [];
        /** Whether nothing else was under way when the step began. */
        const beganAlone: boolean[] = [];
        let underWay = 0;
        let was = await readKeys(world, scene.owner.id);
        const watched = startMortal(world, {
          crash(step) {
            beganAlone[step] = underWay === 0;
            underWay += 1;
            return undefined;
          },
          onStep: async (step) => {
            underWay -= 1;
            const is = await readKeys(world, scene.owner.id);
            changes[step] = transitionsBetween(was, is);
            was = is;
          },
        });
        const answer = await act.run(watched);
        const faults: string[] = [];
        await conclude(scene, faults);
        assert.deepStrictEqual([answer !== undefined && answer.status < 300, faults], [true, []], "unharmed");

        const failures: string[] = [];
        let isDiedAfterLatest = false;
        for (const [step, name] of watched.steps.entries()) {
          if (reads.test(name)) continue;
          // What is before it is what was left by a process that died after the change before it.
          const sides = isDiedAfterLatest && beganAlone[step] === true ? afterOnly : bothSides;
          const isChosen = verb.steps?.test(name) !== false && (isEveryStep || changes[step]?.length !== 0);
          isDiedAfterLatest = isChosen;
          if (!isChosen) continue;
          for (const side of sides) {
            for (const comesBack of act.isByTheClock === true ? [true] : [true, false]) {
              const told = `died ${side} step ${step} (${name}), ${comesBack ? "asked again" : "never asked again"}`;
              const found = await rehearse(verb, step, side, comesBack);
              failures.push(...found.map((fault) => `${told}: ${fault}`));
            }
          }
          for (const change of changes[step] ?? []) covered.add(change);
        }
        assert.deepStrictEqual(failures, []);
      });
    }

    async function rehearse(verb: Verb, last: number, side: Side, comesBack: boolean): Promise<readonly string[]> {
      const { scene, act } = await stage(verb);
      const faults: string[] = [];
      const watch = {
        onStep: async () => {
          faults.push(...faultsNow(await readKeys(world, scene.owner.id), ceiling(scene)));
        },
      };
      const crash = (step: number) => (step === last ? side : undefined);
      const died = await act.run(startMortal(world, { ...watch, crash }));
      assert.equal(died, undefined, "the process was to die");
      if (comesBack) {
        if (act.isByTheClock === true) world.advance(2 * minute);
        const answer = await insist(world, (process) => act.run(process));
        await Promise.resolve(act.expect?.(answer)).catch((error: unknown) => {
          faults.push(error instanceof Error ? error.message : "the person did not find what they asked for");
        });
      }
      await conclude(scene, faults);
      return faults;
    }

    function ceiling({ spent }: Scene) {
      return { budgetCents: budgetUsd * 100, spent, now: world.now() };
    }

    it("covers every transition of the table, before and after", () => {
      assert.deepStrictEqual([...covered].toSorted(), Object.keys(transitions).toSorted());
    });

    // A person's window must not end in the middle of a scene: what was spent before would count no longer.
    it("stays within one month", () => {
      assert.ok(world.now() < Date.UTC(2026, 11, 1) - day);
    });
  });
}

/** Dying before or after a step that changes nothing is dying after the step before it. */
const reads =
  /^(?:count.*|find.*|forgetBefore|eraseSealed|deployment|facts|ownedKeys?|companyKey|lastDone|ownersLeft|memory|peopleToAsk|checkedPeople|approvedRun|longUnknown|nextAt|workspaces|rowsOf|places|GET .*|POST \/token)$/;

/** The transitions that lie between two looks at one person's rows. */
function transitionsBetween(was: BothSides, is: BothSides): readonly Transition[] {
  const old = new Map(was.rows.map((row) => [row.id, row]));
  return is.rows.flatMap((row): Transition[] => {
    const before = old.get(row.id);
    if (before === undefined) return ["reserve"];
    if (before.phase !== row.phase) return [byPhases(before.phase, row.phase)];
    if (row.phase === "reserved") return row.attempt > before.attempt ? ["takeOver"] : [];
    if (row.limitCents > before.limitCents) return ["raiseLimit"];
    if (row.limitCents < before.limitCents) return ["lowerLimit"];
    return row.name !== before.name || row.disabled !== before.disabled ? ["change"] : [];
  });
}

function byPhases(from: Phase, to: Phase): Transition {
  const isLive = livePhases.some((phase) => phase === from);
  if (from === "reserved" && to === "live") return "confirm";
  if (from === "reserved" && to === "released") return "release";
  if (from === "live" && to === "retiring") return "replace";
  if (to === "deleted") return "delete";
  if (from === "retiring" && to === "retired") return "retire";
  if (isLive && to === "expired") return "expire";
  if (to === "gone") return "vanish";
  if (isLive && to === "revoking") return "revoke";
  if (from === "revoking" && to === "revoked") return "confirmRevoked";
  if (from === "revoked" && to === "erased") return "erase";
  throw new Error(`The table has no transition from ${from} to ${to}.`);
}

async function makeGuardrail({ openRouter }: World): Promise<string> {
  const response = await fetch(`${openRouter.apiUrl}/guardrails`, {
    method: "POST",
    headers: { Authorization: `Bearer ${openRouter.managementKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ name: "The company's" }),
  });
  return String(Object(await response.json()).data.id);
}
