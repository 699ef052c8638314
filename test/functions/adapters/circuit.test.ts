import assert from "node:assert/strict";

import { createCircuit } from "../../../functions/adapters/openrouter/circuit.ts";
import type { Sign } from "../../../functions/adapters/openrouter/circuit.ts";

describe("the circuit to OpenRouter", () => {
  let now = 0;
  beforeEach(() => {
    now = 0;
  });

  function fail(circuit: ReturnType<typeof createCircuit>, times: number, sign: Sign = "failed"): void {
    for (let number = 0; number < times; number += 1) circuit.enter()?.(sign);
  }

  it("opens after eight failures in a row, and one answer in between starts the count anew", () => {
    const circuit = createCircuit(() => now);
    fail(circuit, 7);
    fail(circuit, 1, "answered");
    fail(circuit, 7);
    const before = circuit.isOpen();
    fail(circuit, 1);
    assert.deepStrictEqual(
      [before, circuit.isOpen(), circuit.enter(), circuit.secondsToNextTry()],
      [false, true, undefined, 3],
    );
  });

  it("lets one request try after a rest, and closes when it is answered", () => {
    const circuit = createCircuit(() => now);
    fail(circuit, 8);
    now = 3_000;
    const first = circuit.enter();
    const second = circuit.enter();
    first?.("failed");
    const afterFailure = circuit.enter();
    now = 6_000;
    circuit.enter()?.("answered");
    assert.deepStrictEqual(
      [typeof first, second, afterFailure, circuit.isOpen(), typeof circuit.enter()],
      ["function", undefined, undefined, false, "function"],
    );
  });

  it("does not count what says nothing about OpenRouter, and then lets the next one try", () => {
    const circuit = createCircuit(() => now);
    fail(circuit, 20, "unknown");
    const isOpen = circuit.isOpen();
    fail(circuit, 8);
    now = 3_000;
    circuit.enter()?.("unknown");
    assert.deepStrictEqual([isOpen, typeof circuit.enter()], [false, "function"]);
  });
});
