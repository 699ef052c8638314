import type { Plan } from "../policy/plan.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";

/** Who may have what, and who may see to it: what is well-formed and still cannot have been meant. */
export function checkRules(
  settings: Pick<Settings, "plans" | "adminEmails" | "adminGroup" | "allowedDomains" | "signIn">,
): readonly Check[] {
  const { plans, signIn } = settings;
  const strange = [
    ...plans.flatMap(oddities),
    ...unreachable(plans),
    ...(signIn.kind === "github" && plans.some(({ match }) => match !== "everyone" && match.groups !== undefined)
      ? [hint("PLANS", "A plan looks at groups, but GitHub sends none.", "Name its people in emails or domains.")]
      : []),
    ...(plans.some(({ match }) => match === "everyone")
      ? []
      : [
          hint(
            "PLANS",
            "Whoever matches no plan may sign in but gets no key.",
            'End the list with a plan whose match is "everyone", unless that is meant.',
          ),
        ]),
  ];
  return [
    ...(strange.length > 0
      ? strange
      : [good("PLANS", plans.length === 1 ? "One plan." : `${plans.length} plans; the first that matches counts.`)]),
    checkAdmins(settings),
  ];
}

function oddities(plan: Plan, place: number): readonly Check[] {
  const about = `PLANS, plan ${place + 1}`;
  return [
    ...(plan.maxKeys === 0 || plan.budgetCents === 0
      ? [hint(about, "Nobody of this plan gets a key: maxKeys or budgetUsd is 0.", "Raise both, unless that is meant.")]
      : []),
    ...(plan.budgetCents > 0 && plan.defaultKeyCents > plan.budgetCents
      ? [
          fault(
            about,
            "defaultKeyUsd is more than budgetUsd, so that a key made without a limit of its own is always refused.",
            "Lower defaultKeyUsd, or raise budgetUsd.",
          ),
        ]
      : []),
  ];
}

function unreachable(plans: readonly Plan[]): readonly Check[] {
  const last = plans.findIndex(({ match }) => match === "everyone");
  return last === -1 || last === plans.length - 1
    ? []
    : [
        fault(
          `PLANS, plan ${last + 2}`,
          `It is never used, since plan ${last + 1} matches everyone.`,
          `Move plan ${last + 1} to the end.`,
        ),
      ];
}

function checkAdmins({
  adminEmails,
  adminGroup,
  allowedDomains,
}: Pick<Settings, "adminEmails" | "adminGroup" | "allowedDomains">): Check {
  const stray = adminEmails.filter((email) => !allowedDomains.includes(email.slice(email.lastIndexOf("@") + 1)));
  if (stray.length > 0) {
    return hint(
      "ADMIN_EMAILS",
      `${stray.join(", ")} cannot be of ALLOWED_DOMAINS by this address.`,
      "Correct the address, or add its domain.",
    );
  }
  return adminEmails.length + (adminGroup === undefined ? 0 : 1) === 0
    ? hint(
        "ADMIN_EMAILS",
        "There are no administrators: nobody sees all keys, decides about raises or approves a run.",
        "Name two people in ADMIN_EMAILS, since nobody decides about themselves.",
      )
    : adminEmails.length === 1 && adminGroup === undefined
      ? hint(
          "ADMIN_EMAILS",
          "There is one administrator, whose own raises and departure nobody can decide about.",
          "Name a second one.",
        )
      : good("ADMIN_EMAILS", "There is more than one administrator.");
}
