import assert from "node:assert/strict";

import { admin, auth } from "@googleapis/admin";
import * as z from "zod/mini";

import type { GoogleStandIn } from "./google.ts";
import { googleAdmin, startGoogle } from "./google.ts";

/** Google's own client gets along with the stand-in, so that the two have not drifted apart. */
describe("Google's own client and the stand-in for its directory", () => {
  let google: GoogleStandIn;

  before(async () => {
    google = await startGoogle();
    for (let number = 0; number < 3; number += 1) {
      google.users.set(`10${number}`, { id: `10${number}`, primaryEmail: `p${number}@example.com` });
    }
    google.users.set("200", { id: "200", primaryEmail: "gone@example.com", deletionTime: "2026-11-20T00:00:00.000Z" });
  });
  after(() => google.stop());

  async function connect() {
    const client = new auth.OAuth2();
    const assertion = await signFor(google);
    const response = await fetch(google.serviceAccountKey.token_uri, {
      method: "POST",
      body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }),
    });
    client.setCredentials(z.object({ access_token: z.string() }).parse(await response.json()));
    return admin({ version: "directory_v1", auth: client, rootUrl: `${google.origin}/`, retry: false });
  }

  it("agree on lists, their pages and their fields", async () => {
    const directory = await connect();
    const first = await directory.users.list({
      customer: "my_customer",
      maxResults: 2,
      fields: "nextPageToken,users(id,suspended)",
    });
    const second = await directory.users.list({
      customer: "my_customer",
      maxResults: 2,
      pageToken: first.data.nextPageToken ?? "",
    });
    const deleted = await directory.users.list({ customer: "my_customer", showDeleted: "true" });
    assert.deepStrictEqual(
      [first.data.users, second.data.users?.map(({ id }) => id), deleted.data.users?.map(({ id }) => id)],
      [
        [
          { id: "100", suspended: false },
          { id: "101", suspended: false },
        ],
        ["102"],
        ["200"],
      ],
    );
  });

  it("agree on a user, by id and by address, and on nobody", async () => {
    const directory = await connect();
    const byId = await directory.users.get({ userKey: "101" });
    const byAddress = await directory.users.get({ userKey: "p1@example.com" });
    assert.deepStrictEqual(byId.data, byAddress.data);
    await assert.rejects(directory.users.get({ userKey: "999" }), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /Resource Not Found: userKey/);
      return true;
    });
  });
});

async function signFor(google: GoogleStandIn): Promise<string> {
  const { SignJWT, importPKCS8 } = await import("jose");
  const { client_email, private_key, token_uri } = google.serviceAccountKey;
  return new SignJWT({ scope: "https://www.googleapis.com/auth/admin.directory.user.readonly" })
    .setProtectedHeader({ alg: "RS256" })
    .setIssuer(client_email)
    .setSubject(googleAdmin)
    .setAudience(token_uri)
    .setIssuedAt()
    .setExpirationTime("1h")
    .sign(await importPKCS8(private_key, "RS256"));
}
