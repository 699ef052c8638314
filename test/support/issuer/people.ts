/** Somebody the stand-in issuer knows. `hostedDomain` becomes the claim `hd`, as Google Workspace sends it. */
export interface Person {
  /** The claim `sub`: stays the same for life, also when the e-mail changes. */
  readonly subject: string;
  readonly email: string;
  readonly emailVerified: boolean;
  /** Absent for a consumer account, which has no `hd` claim at all. */
  readonly hostedDomain?: string;
  readonly name?: string;
  readonly groups?: readonly string[];
}

/** The staff of Example Company, and Mallory, who works elsewhere and must be turned away. */
export const examplePeople: readonly Person[] = [
  {
    subject: "100000000000000000001",
    email: "ada@example.com",
    emailVerified: true,
    hostedDomain: "example.com",
    name: "Ada Lovelace",
    groups: ["engineering", "platform"],
  },
  {
    subject: "100000000000000000002",
    email: "grace@example.com",
    emailVerified: true,
    hostedDomain: "example.com",
    name: "Grace Hopper",
    groups: ["engineering"],
  },
  {
    subject: "100000000000000000003",
    email: "linus@example.com",
    emailVerified: true,
    hostedDomain: "example.com",
    name: "Linus Torvalds",
    groups: ["engineering"],
  },
  {
    subject: "200000000000000000001",
    email: "mallory@elsewhere.example",
    emailVerified: true,
    hostedDomain: "elsewhere.example",
    name: "Mallory Elsewhere",
  },
];

/** The claims an ID token carries about a person, under their OpenID Connect names; absent facts are absent claims. */
export function claimsOf(person: Person): { sub: string; [claim: string]: string | boolean | readonly string[] } {
  return {
    sub: person.subject,
    email: person.email,
    email_verified: person.emailVerified,
    ...(person.hostedDomain === undefined ? {} : { hd: person.hostedDomain }),
    ...(person.name === undefined ? {} : { name: person.name }),
    ...(person.groups === undefined ? {} : { groups: person.groups }),
  };
}
