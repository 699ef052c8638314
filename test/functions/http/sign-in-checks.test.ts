// The checks of a sign-in that are not about its token: each is what refuses an attack, for the same attack succeeds
// against the function without it. (The checks of tokens: test/functions/adapters/identity.)
import assert from "node:assert/strict";

import type { SignInCode } from "../../../functions/services/account-store.ts";
import type { Stores } from "../../../functions/adapters/postgres/stores.ts";
import { codeOf, exchange, outcome } from "../../support/attempt.ts";
import { databaseKinds } from "../../support/databases.ts";
import { evilRedirects } from "../../support/evil-redirects.ts";
import type { RunningFunction } from "../../support/function.ts";
import { call, getCode, startFunction, startParameters } from "../../support/function.ts";
import { createBrowser, signInAs } from "../../support/issuer/browserless.ts";
import type { Removal } from "../../support/without-check.ts";
import { composeWithout } from "../../support/without-check.ts";

const [kind] = databaseKinds;

interface Case {
  readonly file: string;
  readonly removals: readonly Removal[];
  /** What came of it, with the check and without. */
  readonly attack: (running: RunningFunction) => Promise<unknown>;
  readonly refused: unknown;
  readonly accepted: unknown;
}

const cases: Readonly<Record<string, Case>> = {
  "a code that was caught on its way": {
    file: "functions/services/sessions.ts",
    removals: [[" || (await sha256(request.codeVerifier)) !== code.codeChallenge", ""]],
    attack: async (running) => {
      const { code } = await getCode(running.url, "ada@example.com");
      return codeOf(await exchange(running, code, "x".repeat(43)));
    },
    refused: "unauthorized",
    accepted: "200",
  },
  "an attacker's callback in the victim's browser": {
    file: "functions/services/sign-in.ts",
    removals: [["browserToken === undefined || (await sha256(browserToken)) !== attempt.browserHash", "false"]],
    attack: async (running) => (await createBrowser().request(await stopAtCallback(running))).status,
    refused: 400,
    accepted: 302,
  },
  "an answer of another issuer": {
    file: "functions/adapters/identity/authorization-answer.ts",
    removals: [["stated.length === 0 ? statesIssuer : stated.some((name) => name !== issuer)", "false"]],
    attack: async (running) => {
      const browser = createBrowser();
      const callback = await stopAtCallback(running, browser);
      callback.searchParams.set("iss", "https://evil.example");
      return (await browser.request(callback)).status;
    },
    refused: 403,
    accepted: 302,
  },
  "an address that is nearly an editor's": {
    file: "functions/policy/redirects.ts",
    removals: [
      [" || !/^[\\x21-\\x7e]+$/.test(redirect) || /[\\\\#]/.test(redirect)", ""],
      ["if (!rules.listed.includes(address)) return undefined;", ""],
    ],
    attack: async (running) => {
      const statuses = new Set<number>();
      for (const redirect of evilRedirects) {
        const { pathname, search } = new URL(startParameters(running.url, redirect).url);
        statuses.add((await call(running.url, "GET", pathname + search)).status);
      }
      return [...statuses];
    },
    refused: [400],
    accepted: [302],
  },
  "a flood of made-up key ids": {
    file: "functions/adapters/identity/issuer-document.ts",
    removals: [["if (clock() - Math.max(triedAt, known?.fetchedAt ?? -Infinity) < pauseMs) return undefined;", ""]],
    attack: async (running) => {
      for (const kid of ["one", "two", "three"]) {
        running.issuer.setForge(({ claims, sign }) => sign(claims, { kid }));
        await outcome(running);
      }
      return `the issuer is asked ${running.issuer.requests.get("/jwks") ?? 0} times`;
    },
    refused: "the issuer is asked 1 times",
    accepted: "the issuer is asked 4 times",
  },
};

async function stopAtCallback(running: RunningFunction, browser = createBrowser()): Promise<URL> {
  const started = await browser.request(startParameters(running.url).url);
  return signInAs(started.headers.get("Location") ?? "", "ada@example.com", browser);
}

describe("without its check, the function takes", function () {
  this.timeout(30_000);

  async function against<T>(
    options: Omit<Parameters<typeof startFunction>[0], "stores">,
    attack: (running: RunningFunction) => Promise<T>,
    change: (stores: Stores) => Stores = (stores) => stores,
  ): Promise<T> {
    const stores = await kind.open();
    try {
      const running = await startFunction({ ...options, stores: change(stores) });
      try {
        return await attack(running);
      } finally {
        await running.stop();
      }
    } finally {
      await stores.close();
    }
  }

  for (const [name, { file, removals, attack, refused, accepted }] of Object.entries(cases)) {
    it(`${name}, and refuses it with it`, async () => {
      const without = await composeWithout(file, removals);
      try {
        assert.deepStrictEqual(
          [await against({}, attack), await against({ compose: without.compose }, attack)],
          [refused, accepted],
        );
      } finally {
        await without.remove();
      }
    });
  }

  it("a code a second time, where the database does not burn it", async () => {
    const replay = async (running: RunningFunction): Promise<readonly string[]> => {
      const { code, verifier } = await getCode(running.url, "ada@example.com");
      return [codeOf(await exchange(running, code, verifier)), codeOf(await exchange(running, code, verifier))];
    };
    const keeping = (stores: Stores): Stores => {
      const seen = new Map<string, SignInCode | undefined>();
      const takeCode: Stores["accounts"]["takeCode"] = async (hash, now) => {
        if (!seen.has(hash)) seen.set(hash, await stores.accounts.takeCode(hash, now));
        return seen.get(hash);
      };
      return { ...stores, accounts: { ...stores.accounts, takeCode } };
    };
    assert.deepStrictEqual(
      [await against({}, replay), await against({}, replay, keeping)],
      [
        ["200", "unauthorized"],
        ["200", "200"],
      ],
    );
  });
});
