import assert from "node:assert/strict";

import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { attempt, outcome } from "../../support/attempt.ts";
import { databaseKinds, dump } from "../../support/databases.ts";
import type { RunningFunction } from "../../support/function.ts";
import { startFunction, startParameters } from "../../support/function.ts";
import type { GitHub, GitHubState } from "../../support/github.ts";
import { gitHubClientId, gitHubOrganization, startGitHub } from "../../support/github.ts";
import { SignInStopped, createBrowser, followSignIn } from "../../support/issuer/browserless.ts";

for (const kind of databaseKinds) {
  describe(`sign-in through GitHub on ${kind.name}`, function () {
    this.timeout(60_000);
    let stores: Stores;
    let gitHub: GitHub;
    let running: RunningFunction;

    beforeEach(async () => {
      stores = await kind.open();
      gitHub = await startGitHub();
      running = await startFunction({
        stores,
        environment: {
          OIDC_ISSUER: "",
          OIDC_CLIENT_ID: "",
          OIDC_CLIENT_SECRET: "",
          GITHUB_APP_CLIENT_ID: gitHubClientId,
          GITHUB_APP_CLIENT_SECRET: gitHub.clientSecret,
          GITHUB_ORGANIZATION: gitHubOrganization,
          GITHUB_URL: gitHub.url,
          GITHUB_API_URL: gitHub.url,
        },
      });
    });

    afterEach(async () => {
      await running.stop();
      await gitHub.stop();
      await stores.close();
    });

    it("knows an active member by their number and throws GitHub's token away", async () => {
      const first = await attempt(running);
      gitHub.state.emails = [
        { email: "ada@home.example", verified: true, primary: true },
        { email: "ada@example.com", verified: true, primary: false },
      ];
      const second = await attempt(running);
      assert.ok("token" in first && "token" in second);
      assert.deepStrictEqual(
        [first.token.account, first.token.account.label, gitHub.tokens.length, gitHub.liveTokens.size],
        [second.token.account, "ada@example.com", 2, 0],
      );
    });

    const refused: Readonly<Record<string, readonly [Partial<GitHubState>, string]>> = {
      "a leaver, whose address GitHub still calls verified": [{ membership: 404 }, "forbidden"],
      "somebody invited who has not accepted": [{ membership: "pending" }, "forbidden"],
      "a member whose organisation hides behind single sign-on": [{ membership: 403 }, "forbidden"],
      "the membership of somebody else": [{ memberId: 1 }, "forbidden"],
      "a member without a verified address": [
        { emails: [{ email: "ada@example.com", verified: false, primary: true }] },
        "forbidden",
      ],
      "a member with addresses of elsewhere": [
        { emails: [{ email: "ada@home.example", verified: true, primary: true }] },
        "forbidden",
      ],
      "anybody while GitHub is down": [{ fault: { status: 502 } }, "upstream_unavailable"],
      "anybody while GitHub wants a pause": [
        { fault: { status: 403, headers: { "x-ratelimit-remaining": "0" } } },
        "upstream_unavailable",
      ],
      "anybody whom GitHub answers oddly": [{ fault: { status: 418 } }, "forbidden"],
    };
    for (const [name, [state, expected]] of Object.entries(refused)) {
      it(`turns away ${name}, and keeps no token`, async () => {
        Object.assign(gitHub.state, state);
        assert.deepStrictEqual([await outcome(running), gitHub.tokens.length], [expected, 1]);
        assert.equal(gitHub.liveTokens.size, 0);
      });
    }

    it("says where single sign-on begins, in words of its own", async () => {
      gitHub.state.membership = 403;
      const stopped: unknown = await followSignIn(startParameters(running.url).url, "ada", createBrowser()).catch(
        (error: unknown) => error,
      );
      assert.ok(stopped instanceof SignInStopped);
      assert.deepStrictEqual(
        [stopped.body.includes(`${gitHub.url}/orgs/example/sso first`), stopped.body.includes("planted")],
        [true, false],
      );
    });

    it("gives somebody who takes over a name neither the owner's keys nor a session", async () => {
      assert.equal(await outcome(running), "signed in");
      gitHub.state.userId = 1_234;
      assert.equal(await outcome(running), "identity_conflict");
    });

    it("leaves no secret of GitHub's behind", async () => {
      await attempt(running);
      const text = `${await dump(kind)}${JSON.stringify(running.records)}`;
      assert.equal(/planted/.test(text), false);
    });
  });
}
