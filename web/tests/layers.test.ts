/** The walls of the page: components → state → api, with markdown, tree and words below them; no arrow goes up. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const LIB = join(import.meta.dirname, "../src/lib");

const MAY_IMPORT: Record<string, readonly string[]> = {
  components: ["components", "state", "markdown", "words", "api/types.ts"],
  state: ["state", "api", "markdown", "tree", "words"],
  api: ["api"],
  markdown: ["markdown"],
  tree: ["tree"],
  words: ["words"],
};

const files = (folder: string) =>
  readdirSync(join(LIB, folder)).filter((name) => /\.(svelte|ts)$/.test(name) && !name.includes(".test."));

const imports = (text: string) => [...text.matchAll(/from "(\.[^"]+)"|import "(\.[^"]+)"/g)].map((m) => m[1] ?? m[2]!);

test.each(Object.keys(MAY_IMPORT))("%s imports nothing from above it", (layer) => {
  for (const name of files(layer)) {
    const text = readFileSync(join(LIB, layer, name), "utf8");
    for (const target of imports(text)) {
      const path = join(layer, target);
      expect(MAY_IMPORT[layer]!.some((room) => path === room || path.startsWith(`${room}/`)), `${layer}/${name}: ${target}`).toBe(true);
    }
  }
});

test("only the api layer talks to the network", () => {
  for (const layer of Object.keys(MAY_IMPORT).filter((one) => one !== "api")) {
    for (const name of files(layer)) {
      expect(readFileSync(join(LIB, layer, name), "utf8"), name).not.toMatch(/\bfetch\(|new EventSource|XMLHttpRequest|WebSocket/);
    }
  }
});

test("every folder has its place in the plan", () => {
  expect(readdirSync(LIB).sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});
