import { Hono } from "hono/tiny";

import type { MeAnswer } from "../contract/account.ts";
import type { Deps } from "../services/deps.ts";
import { isAdmin, readAccount } from "../services/read-account.ts";
import { waitingRun } from "../services/waiting-run.ts";
import { requireSession } from "./authenticate.ts";
import type { HttpEnv } from "./env.ts";
import { isoTime } from "./key-answer.ts";

export function accountRoutes(deps: Deps) {
  return new Hono<HttpEnv>().get("/", requireSession(deps), async (context) => {
    const owner = context.get("owner");
    const isOfAdmins = isAdmin(deps.rules, owner);
    const [account, waiting, raises] = await Promise.all([
      readAccount(deps, owner),
      isOfAdmins ? waitingRun(deps) : undefined,
      isOfAdmins ? deps.raises.waitingFor(owner.id) : undefined,
    ]);
    const { plan, allowanceCents, overAllowanceCents, keysLeft } = account;
    return context.json({
      account: { id: owner.id, label: owner.email },
      isAdmin: isOfAdmins,
      plan: {
        maxKeys: plan.maxKeys,
        budgetUsd: plan.budgetCents / 100,
        reset: plan.reset,
        defaultKeyUsd: plan.defaultKeyCents / 100,
        maxKeyUsd: plan.maxKeyCents / 100,
        maxLifetimeDays: plan.maxLifetimeDays,
      },
      allowanceUsd: allowanceCents / 100,
      ...(overAllowanceCents === 0 ? {} : { overAllowanceUsd: overAllowanceCents / 100 }),
      keysLeft,
      ...(waiting === undefined ? {} : { waitingRun: { id: waiting.id, people: waiting.candidates.length } }),
      ...(raises === undefined ? {} : { waitingRaises: { newestAt: isoTime(raises.newestAt), count: raises.count } }),
    } satisfies MeAnswer);
  });
}
