import { expect, test } from "vitest";
import type { Parameter } from "../api/types.ts";
import { placeOf, POSITIONS, valueAt } from "./scale.ts";

const knob = (kind: "float" | "int", minimum: number, maximum: number): Parameter => ({
  name: "knob",
  kind,
  neutral: 0,
  default: 0,
  minimum,
  maximum,
  step: "knob",
  switch: true,
  help: "",
});

const KNOBS = [knob("float", 0, 1), knob("float", 0, 5), knob("float", -10, 10), knob("int", 0, 2), knob("int", -1, 10_000_000)];

test.each(KNOBS)("both ends of $kind $minimum to $maximum can be reached", (one) => {
  expect(valueAt(one, 0)).toBe(one.minimum);
  expect(valueAt(one, POSITIONS)).toBe(one.maximum);
  expect(placeOf(one, one.minimum)).toBe(0);
  expect(placeOf(one, one.maximum)).toBe(POSITIONS);
});

test.each([...KNOBS, knob("float", 0, 10_000)])("a value of $kind $minimum to $maximum stands where it was set", (one) => {
  for (let place = 0; place <= POSITIONS; place += 25) {
    const value = valueAt(one, place);
    const again = valueAt(one, placeOf(one, value));
    expect(Math.abs(again - value)).toBeLessThanOrEqual(0.02 * Math.max(1, Math.abs(value)));
  }
});

test("a number between plus and minus the same stands in the middle at zero", () => {
  expect(placeOf(knob("float", -10, 10), 0)).toBe(POSITIONS / 2);
});

test("of a wide range the small numbers are within reach", () => {
  const topK = knob("int", 0, 1_000_000);
  expect(placeOf(topK, 40)).toBeGreaterThan(200);
  expect(valueAt(topK, 1)).toBe(0);
  expect(valueAt(topK, 60)).toBe(1);
});
