import katex from "katex";
import { expect, test } from "vitest";
import { dress, hold } from "./styles.ts";

test("a formula has no style attribute on its way, and all its styles in the end", () => {
  const html = katex.renderToString("\\frac{a}{b} + \\sqrt{\\text{ style=\"x\"}}", { throwOnError: false });
  const held = hold(html);
  expect(held).not.toContain(` style="`);
  const [wanted, got] = [document.createElement("div"), document.createElement("div")];
  wanted.innerHTML = html;
  got.innerHTML = held;
  dress(got);
  expect(got.querySelectorAll("[data-style]")).toHaveLength(0);
  const styles = (root: HTMLElement) => [...root.querySelectorAll<HTMLElement>("*")].map(({ style }) => style?.cssText ?? "");
  expect(styles(got)).toEqual(styles(wanted));
  expect(styles(got).some(Boolean)).toBe(true);
  expect(got.textContent).toBe(wanted.textContent);
});
