/** What an owner may have. Money in whole US cents, so that sums are exact. */
export interface Plan {
  readonly match: PlanMatch;
  readonly maxKeys: number;
  /** The hard ceiling per reset window over all live keys of one owner. */
  readonly budgetCents: number;
  readonly reset: "daily" | "weekly" | "monthly";
  readonly defaultKeyCents: number;
  readonly maxKeyCents: number;
  readonly maxLifetimeDays: number;
  readonly createsPerHour: number;
  readonly workspaceId?: string;
  readonly guardrailId?: string;
}

export type PlanMatch =
  | "everyone"
  | {
      readonly emails?: readonly string[];
      readonly domains?: readonly string[];
      readonly groups?: readonly string[];
    };

/** What plans look at. `email` is already normalised. */
export interface PlanSubject {
  readonly email: string;
  readonly groups: readonly string[];
}

export const safePlan: Plan = {
  match: "everyone",
  maxKeys: 3,
  budgetCents: 100_00,
  reset: "monthly",
  defaultKeyCents: 25_00,
  maxKeyCents: 50_00,
  maxLifetimeDays: 90,
  createsPerHour: 10,
};

/** The first plan that matches; undefined when none does, and then the owner may have nothing. */
export function planFor(plans: readonly Plan[], subject: PlanSubject): Plan | undefined {
  return plans.find(({ match }) => {
    if (match === "everyone") return true;
    const domain = subject.email.slice(subject.email.lastIndexOf("@") + 1);
    return (
      (match.emails?.includes(subject.email) ?? false) ||
      (match.domains?.includes(domain) ?? false) ||
      (match.groups?.some((group) => subject.groups.includes(group)) ?? false)
    );
  });
}
