import { expect, test } from "vitest";
import { BELOW, HEIGHT, LEFT, pathOf, scaleOf, WIDTH } from "./curve.ts";

const curve = [
  { context: 4096, alpha: 1 },
  { context: 8192, alpha: 2.65 },
  { context: 16384, alpha: 7 },
];

test("the trained context stands at the corner, the longest inside the right edge", () => {
  const { x, y } = scaleOf(curve, 4096);
  expect([x(4096), y(1)]).toEqual([LEFT, HEIGHT - BELOW]);
  expect(x(16384)).toBeLessThan(WIDTH);
  expect(y(7)).toBeGreaterThan(0);
});

test("multiples and alphas are those that have a place", () => {
  const { multiples, alphas } = scaleOf(curve, 4096);
  expect(multiples).toEqual([1, 2, 3, 4]);
  expect(alphas).toEqual([1, 2, 4, 6]);
});

test("a curve that never rises is a line, not a division by nothing", () => {
  const flat = [{ context: 4096, alpha: 1 }];
  expect(pathOf(flat, scaleOf(flat, 4096))).toBe(`M${LEFT.toFixed(1)} ${(HEIGHT - BELOW).toFixed(1)}`);
});
