import { companyDirectories } from "../directories.ts";
import type { Finding } from "../policy/evidence.ts";
import type { DirectoryPerson, DirectorySource } from "../services/directory.ts";
import type { Settings } from "../settings.ts";
import type { Check } from "./check.ts";
import { fault, good, hint } from "./check.ts";
import type { DoctorMeans } from "./means.ts";

const mends: Readonly<Record<string, string>> = {
  Google:
    "See that the Admin SDK API is on, that the service account may use the scope admin.directory.user.readonly (domain-wide delegation) or has an administrator's role, and that GOOGLE_DIRECTORY_SUBJECT still works here as an administrator.",
  "Microsoft Entra":
    "See that ENTRA_TENANT_ID, ENTRA_CLIENT_ID and ENTRA_CLIENT_SECRET are those of one application, that its secret has not run out, and that User.Read.All is granted as an application permission with an administrator's consent.",
};

export async function checkDirectories(
  settings: Pick<Settings, "google" | "entra" | "scim" | "directoryCanary" | "adminEmails">,
  means: DoctorMeans,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const sources = companyDirectories(settings, means);
  const asked = await Promise.all(sources.map((source) => checkSource(source, settings, signal)));
  const scim = checkScim(settings.scim);
  if (sources.length === 0 && scim === undefined) {
    return [
      hint(
        "Directory",
        "None is set up, so nobody is ever found to have left.",
        "Set up Google's directory, Microsoft Entra or SCIM_TOKEN; until then delete leavers' keys by hand.",
      ),
    ];
  }
  return [...asked, ...(scim === undefined ? [] : [scim])];
}

async function checkSource(
  source: DirectorySource,
  { directoryCanary, adminEmails }: Pick<Settings, "directoryCanary" | "adminEmails">,
  signal: AbortSignal,
): Promise<Check> {
  const about = `Directory, ${source.name}`;
  const mend = mends[source.name] ?? "Correct its settings.";
  if (directoryCanary !== undefined) return judgeCanary(about, mend, await askCanary(source, signal));
  const someone = adminEmails[0];
  const missing = "Name somebody who surely works for you in DIRECTORY_CANARY.";
  if (someone === undefined) return hint(about, "There is nobody to ask about: no DIRECTORY_CANARY is set.", missing);
  const { finding } = await source.ask(personNamed(someone), signal);
  if (finding.state === "active") {
    return hint(
      about,
      "It answers, but no DIRECTORY_CANARY is set, so an account that is missing never counts as somebody who has left.",
      missing,
    );
  }
  return fault(about, `Asked about the first of ADMIN_EMAILS: ${reasonOf(finding)}`, mend);
}

async function askCanary(source: DirectorySource, signal: AbortSignal): Promise<Finding | undefined> {
  for await (const event of source.check(nobody(), undefined, signal)) {
    if (event.kind === "canary") return event.finding;
  }
  return undefined;
}

function judgeCanary(about: string, mend: string, finding: Finding | undefined): Check {
  if (finding?.state === "active") return good(about, "It answers, and the person in DIRECTORY_CANARY is active.");
  if (finding?.state === "inactive") {
    return fault(
      about,
      `The person in DIRECTORY_CANARY is not active. ${finding.evidence}`,
      "Name somebody in DIRECTORY_CANARY who surely works for you.",
    );
  }
  const reason = finding === undefined ? "It was not asked: the time was up." : finding.reason;
  return fault(
    about,
    `The person in DIRECTORY_CANARY was not seen active. ${reason}`,
    finding?.isAlarming === true
      ? mend
      : `Name the id or address of somebody in DIRECTORY_CANARY who surely works for you. If that is right: ${mend}`,
  );
}

function checkScim(scim: Settings["scim"]): Check | undefined {
  if (scim === undefined) return undefined;
  return scim.tokens.length === 0
    ? fault(
        "SCIM_TOKEN",
        "It is shorter than 32 characters, so SCIM refuses everybody.",
        "Make a longer one, for instance with: openssl rand -base64 48",
      )
    : good("SCIM_TOKEN", "It is long enough. Whether your provider pushes people shows in its own log.");
}

function reasonOf(finding: Finding): string {
  return finding.state === "unknown" ? finding.reason : finding.state === "inactive" ? finding.evidence : "";
}

function personNamed(email: string): DirectoryPerson {
  return { personId: "doctor", subject: undefined, wasSeen: false, email, wasActive: false };
}

async function* nobody(): AsyncGenerator<readonly DirectoryPerson[]> {}
