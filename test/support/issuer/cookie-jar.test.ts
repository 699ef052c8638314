import assert from "node:assert/strict";

import { createCookieJar } from "./cookie-jar.ts";

describe("the cookie jar", () => {
  for (const [name, setAt, setCookie, askedAt, expected] of [
    ["shares a host's cookies over its ports", "http://127.0.0.1:1/", "a=1", "http://127.0.0.1:2/", "a=1"],
    ["keeps the hosts apart", "http://127.0.0.1:1/", "a=1", "http://localhost:1/", ""],
    ["keeps a path's cookie to that path", "http://127.0.0.1:1/", "a=1; path=/x", "http://127.0.0.1:1/xy", ""],
    ["sends a path's cookie below it", "http://127.0.0.1:1/", "a=1; path=/x", "http://127.0.0.1:1/x/y", "a=1"],
    ["takes the folder as the path by default", "http://127.0.0.1:1/x/y", "a=1", "http://127.0.0.1:1/x", "a=1"],
    ["counts loopback as secure", "http://127.0.0.1:1/", "a=1; Secure", "http://127.0.0.1:1/", "a=1"],
    ["drops a secure cookie from an open address", "http://a.example/", "a=1; Secure", "https://a.example/", ""],
    ["holds a secure cookie back from one", "https://a.example/", "a=1; Secure", "http://a.example/", ""],
    [
      "keeps a proper __Host- cookie",
      "https://a.example/",
      "__Host-a=1; Secure; Path=/",
      "https://a.example/b",
      "__Host-a=1",
    ],
    [
      "drops a __Host- cookie of one path",
      "https://a.example/",
      "__Host-a=1; Secure; Path=/b",
      "https://a.example/b",
      "",
    ],
    ["drops a __Host- cookie that is not secure", "https://a.example/", "__Host-a=1; Path=/", "https://a.example/", ""],
    ["keeps an equals sign in a value", "http://127.0.0.1:1/", "a=b=c==", "http://127.0.0.1:1/", "a=b=c=="],
  ] as const) {
    it(name, () => {
      const jar = createCookieJar();
      jar.keep(new URL(setAt), [setCookie]);
      assert.equal(jar.header(new URL(askedAt)), expected);
    });
  }

  for (const removal of ["a=; Max-Age=0", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"]) {
    it(`forgets a cookie told to go by ${removal}`, () => {
      const jar = createCookieJar();
      const url = new URL("http://127.0.0.1:1/");
      jar.keep(url, ["a=1", "b=2"]);
      jar.keep(url, [removal]);
      assert.equal(jar.header(url), "b=2");
    });
  }
});
