import { expect, test } from "vitest";
import { lastLine } from "./format.ts";

test("of a text that grows the end of its last line is shown", () => {
  expect(lastLine("")).toBe("");
  expect(lastLine("first\nsecond\n")).toBe("second");
  expect(lastLine("short 🫖")).toBe("short 🫖");
  const long = `${"tea ".repeat(200)}🫖`;
  const shown = lastLine(long);
  expect([shown[0], [...shown].length, shown.endsWith("tea 🫖")]).toEqual(["…", 91, true]);
});
