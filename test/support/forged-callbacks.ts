import { createChance } from "../extension/tools/chance.ts";

/** What the editor hands to whoever handles its addresses. */
interface ForgedCallback {
  readonly path: string;
  readonly query: string;
}

/**
 * Addresses that any web page may open at an editor whose sign-in has this state, the same for the same seed. Each is
 * wrong in the path, in the state, or in having no code: none may be taken.
 */
export function forgedCallbacks(seed: number, count: number, state: string, code: string): readonly ForgedCallback[] {
  const { below, pick } = createChance(seed);
  const text = (): string =>
    Array.from({ length: 1 + below(40) }, () =>
      String.fromCodePoint(pick(0, 10, 0x25, 0x26, 0x2f, 0x3d, 0x41 + below(58), 0x202e, 0xd800, 0x1f600)),
    ).join("");
  const setting = "openrouterKeys.functionUrl=https%3A%2F%2Fevil.test&command=openrouterKeys.deleteKey";

  return Array.from({ length: count }, (_, index) => {
    const cut = below(state.length);
    const nearState = pick(
      state.slice(0, cut),
      `${state}${pick("A", "%00", "+", "%20", "=", "%", "%ZZ", "%C3%28")}`,
      `${state.slice(0, cut)}${state[cut] === "x" ? "y" : "x"}${state.slice(cut + 1)}`,
      encodeURIComponent(text().toWellFormed()),
      "",
      "s".repeat(below(4_000)),
      `${state}&state=${state}`,
      `&State=${state}`,
      `[]=${state}`,
    );
    const values = pick(
      `code=${code}`,
      `error=x&error_description=${state}`,
      `code=${code}&code=2`,
      `code=${"c".repeat(below(4_000))}`,
      text(),
    );
    return pick(
      { path: "/auth", query: `${values}&state=${nearState}&n=${index}` },
      { path: "/auth", query: `state=${state}&${pick("code=", "Code=x", "codes=x", setting)}&n=${index}` },
      {
        path: pick("/auth/", "/Auth", "/auth%2f", "//auth", "", "/settings", `/${text()}`),
        query: `${values}&state=${state}&n=${index}`,
      },
      { path: pick("/auth", `/${text()}`), query: `${setting}&${text()}` },
    );
  });
}
