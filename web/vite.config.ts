import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const server = process.env.SAMOVAR_URL ?? "http://127.0.0.1:7860";

/** KaTeX names each font in three formats; every browser that can run this page reads the first. */
const woff2Only: Plugin = {
  name: "woff2-only",
  enforce: "pre",
  transform(code, id) {
    return /katex.*\.css$/.test(id) ? code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\("[a-z]+"\)/g, "") : null;
  },
};

export default defineConfig({
  plugins: [woff2Only, svelte()],
  build: { outDir: "../src/samovar/web", emptyOutDir: true, target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { proxy: { "/samovar": server, "/v1": server } },
  test: { include: ["src/**/*.test.ts", "tests/**/*.test.ts"], environment: "jsdom" },
  resolve: process.env.VITEST ? { conditions: ["browser"] } : {},
});
