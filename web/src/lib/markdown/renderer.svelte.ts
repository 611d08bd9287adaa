/**
 * Tokens to safe HTML. Owns the two large libraries, which are fetched when first needed: KaTeX for formulas and
 * highlight.js for code. What was drawn without them is drawn again when they have come, because both are reactive.
 */

import type { HLJSApi } from "highlight.js";
import type katex from "katex";
import type { MarkdownIt } from "markdown-it";
import { GrowingMarkdown, type TextBlock } from "./blocks.ts";
import { createParser, type RenderEnv } from "./parser.ts";
import { sanitize } from "./sanitize.ts";
import { hold } from "./styles.ts";

type Katex = typeof katex;
type Formula = RenderEnv["formulas"][number];

/** Longer code stays plain: colouring it would hold up the page. */
const HIGHLIGHT_LIMIT = 20_000;
const REMEMBERED_FORMULAS = 500;

export class Renderer {
  #katex = $state.raw<Katex | null>(null);
  #highlighter = $state.raw<HLJSApi | null>(null);
  #asked = { katex: false, highlighter: false };
  #formulas = new Map<string, string>();
  #md: MarkdownIt;

  constructor(copyLabel: () => string) {
    this.#md = createParser({ copyLabel, highlight: (code, language) => this.highlight(code, language) });
  }

  grow(): GrowingMarkdown {
    return new GrowingMarkdown(this.#md);
  }

  /** Safe HTML of a block; see `styles.ts` for what is still to be done to it. */
  html(block: TextBlock): string {
    const env: RenderEnv = { formulas: [] };
    const safe = sanitize(this.#md.renderer.render([...block.tokens], this.#md.options, env));
    return safe.replace(/<span data-math="(\d+)"><\/span>/g, (_, index: string) => this.#formula(env.formulas[Number(index)]!));
  }

  /** HTML of `code` with its words coloured; null when there is nothing to colour (yet). */
  highlight(code: string, language: string): string | null {
    if (!language || code.length > HIGHLIGHT_LIMIT) return null;
    const highlighter = this.#highlighter;
    if (!highlighter) this.#fetchHighlighter();
    if (!highlighter?.getLanguage(language)) return null;
    return highlighter.highlight(code, { language, ignoreIllegals: true }).value;
  }

  #formula(formula: Formula): string {
    const key = `${formula.display ? "$$" : "$"}${formula.tex}`;
    const known = this.#formulas.get(key);
    if (known !== undefined) return known;
    const plain = `<code class="tex">${this.#md.utils.escapeHtml(formula.tex)}</code>`;
    if (!this.#katex) this.#fetchKatex();
    if (!this.#katex || formula.open) return plain;
    const html = this.#typeset(this.#katex, formula) ?? plain;
    if (this.#formulas.size >= REMEMBERED_FORMULAS) this.#formulas.clear();
    this.#formulas.set(key, html);
    return html;
  }

  #typeset(katex: Katex, { tex, display }: Formula): string | null {
    try {
      return hold(katex.renderToString(tex, { displayMode: display, trust: false, strict: false, maxExpand: 200, maxSize: 20 }));
    } catch (error) {
      if (error instanceof katex.ParseError) return null;
      throw error;
    }
  }

  #fetchKatex(): void {
    if (this.#asked.katex) return;
    this.#asked.katex = true;
    void import("./katex.ts").then((module) => (this.#katex = module.default));
  }

  #fetchHighlighter(): void {
    if (this.#asked.highlighter) return;
    this.#asked.highlighter = true;
    void import("highlight.js/lib/common").then((module) => (this.#highlighter = module.default));
  }
}
