import { userSchema } from "../policy/scim-user.ts";
import type { ScimRecord } from "../services/scim-store.ts";

/** What the SCIM routes answer (RFC 7643 and 7644). `base` is the routes' address as providers see it. */

const listSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error";

export function userDocument({ id, user, version, createdAt, changedAt }: ScimRecord, base: string) {
  const hasName = user.givenName !== undefined || user.familyName !== undefined;
  return {
    schemas: [userSchema],
    id,
    userName: user.userName,
    ...(user.externalId === undefined ? {} : { externalId: user.externalId }),
    ...(user.active === undefined ? {} : { active: user.active }),
    ...(user.displayName === undefined ? {} : { displayName: user.displayName }),
    ...(hasName
      ? {
          name: {
            ...(user.givenName === undefined ? {} : { givenName: user.givenName }),
            ...(user.familyName === undefined ? {} : { familyName: user.familyName }),
          },
        }
      : {}),
    emails: user.emails.map(({ value, type, primary }) => ({
      value,
      ...(type === undefined ? {} : { type }),
      primary,
    })),
    meta: {
      resourceType: "User",
      created: new Date(createdAt).toISOString(),
      lastModified: new Date(changedAt).toISOString(),
      location: `${base}/Users/${id}`,
      version: `W/"${version}"`,
    },
  };
}

export function listDocument(resources: readonly unknown[], startIndex: number, totalResults: number) {
  return { schemas: [listSchema], totalResults, startIndex, itemsPerPage: resources.length, Resources: resources };
}

/** The status is a text there. */
export function errorDocument(status: number, detail: string, scimType?: string) {
  return {
    schemas: [errorSchema],
    status: String(status),
    detail,
    ...(scimType === undefined ? {} : { scimType }),
  };
}

export function serviceProviderConfig(base: string) {
  return {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: 200 },
    changePassword: { supported: false },
    sort: { supported: false },
    etag: { supported: false },
    authenticationSchemes: [
      {
        type: "oauthbearertoken",
        name: "Bearer token",
        description: "The token that is set in the function as SCIM_TOKEN.",
        primary: true,
      },
    ],
    meta: { resourceType: "ServiceProviderConfig", location: `${base}/ServiceProviderConfig` },
  };
}

export function resourceTypes(base: string) {
  return [
    {
      schemas: ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
      id: "User",
      name: "User",
      endpoint: "/Users",
      description: "A person who may have OpenRouter keys",
      schema: userSchema,
      meta: { resourceType: "ResourceType", location: `${base}/ResourceTypes/User` },
    },
  ];
}

export function schemas(base: string) {
  return [
    {
      schemas: ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
      id: userSchema,
      name: "User",
      description: "A person who may have OpenRouter keys",
      attributes: [
        { ...attribute("userName"), required: true, uniqueness: "server" },
        { ...attribute("externalId"), caseExact: true },
        { ...attribute("active"), type: "boolean" },
        attribute("displayName"),
        { ...attribute("name"), type: "complex", subAttributes: [attribute("givenName"), attribute("familyName")] },
        {
          ...attribute("emails"),
          type: "complex",
          multiValued: true,
          subAttributes: [attribute("value"), attribute("type"), { ...attribute("primary"), type: "boolean" }],
        },
      ],
      meta: { resourceType: "Schema", location: `${base}/Schemas/${userSchema}` },
    },
  ];
}

function attribute(name: string) {
  return {
    name,
    type: "string",
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: "readWrite",
    returned: "default",
    uniqueness: "none",
  };
}
