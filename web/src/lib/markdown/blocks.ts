/**
 * Splits Markdown into top-level blocks, and follows a text that grows at its end: blocks that can no longer change
 * are kept as they are, only the tail is parsed again.
 */

import type { Env, MarkdownIt, Token } from "markdown-it";
import { languageOf } from "./parser.ts";

export interface CodeBlock {
  readonly kind: "code";
  readonly source: string;
  readonly language: string;
  readonly code: string;
  /** False while its last line has not been written. */
  readonly closed: boolean;
}

export interface TextBlock {
  readonly kind: "text";
  readonly source: string;
  readonly tokens: readonly Token[];
}

export type Block = CodeBlock | TextBlock;

interface Span {
  readonly block: Block;
  /** Where the block begins in the text. */
  readonly start: number;
}

/**
 * How many blocks at the end may still become something else: the last one grows, and the one before it may take it
 * in (after "1. one", a blank line and "2" there is a list and a paragraph, which "2. two" makes one list).
 */
const UNSETTLED = 2;

export class GrowingMarkdown {
  #md: MarkdownIt;
  #settledText = "";
  #settled: Block[] = [];
  #blocks: readonly Block[] = [];
  #whole: string | null = null;

  constructor(md: MarkdownIt) {
    this.#md = md;
  }

  /** The blocks of `text`; with `done` it is parsed as a whole, so that references reach over all blocks. */
  update(text: string, done: boolean): readonly Block[] {
    if (done) return this.#finish(text);
    this.#whole = null;
    if (!text.startsWith(this.#settledText)) this.#forget();
    const spans = this.#parse(text.slice(this.#settledText.length), {});
    const settling = spans.slice(0, -UNSETTLED);
    const rest = spans.slice(settling.length);
    const kept = [...this.#settled, ...settling.map((span) => span.block)];
    this.#blocks = this.#reuse([...kept, ...rest.map((span) => span.block)]);
    if (settling.length > 0) {
      this.#settled = this.#blocks.slice(0, kept.length);
      this.#settledText = text.slice(0, this.#settledText.length + rest[0]!.start);
    }
    return this.#blocks;
  }

  #finish(text: string): readonly Block[] {
    if (this.#whole === text) return this.#blocks;
    const env: Env = {};
    const blocks = this.#parse(text, env).map((span) => span.block);
    const linked = Object.keys(env.references ?? {}).length > 0;
    this.#forget();
    this.#blocks = linked ? blocks : this.#reuse(blocks);
    this.#whole = text;
    return this.#blocks;
  }

  #forget(): void {
    this.#settled = [];
    this.#settledText = "";
  }

  /** A block that says the same as the one in its place before is that block: nothing has to be drawn again. */
  #reuse(blocks: Block[]): Block[] {
    return blocks.map((block, index) => {
      const before = this.#blocks[index];
      return before && same(before, block) ? before : block;
    });
  }

  #parse(text: string, env: Env): Span[] {
    const starts = lineStarts(text);
    const at = (line: number) => starts[line] ?? text.length;
    return topLevel(this.#md.parse(text, env)).map((tokens) => {
      const [first, end] = tokens[0]!.map ?? [0, 0];
      return { start: at(first), block: makeBlock(tokens, text.slice(at(first), at(end))) };
    });
  }
}

function same(a: Block, b: Block): boolean {
  if (a.source !== b.source || a.kind !== b.kind) return false;
  return a.kind === "text" || b.kind === "text" || a.closed === b.closed;
}

function makeBlock(tokens: Token[], source: string): Block {
  const token = tokens[0]!;
  if (token.type !== "fence") return { kind: "text", source, tokens };
  const lines = source.trimEnd().split("\n");
  const last = lines.at(-1)!.trim();
  const closed = lines.length > 1 && last.startsWith(token.markup) && [...last].every((c) => c === token.markup[0]);
  return { kind: "code", source, language: languageOf(token), code: token.content.replace(/\n$/, ""), closed };
}

/** Runs of tokens that belong to one block each. */
function topLevel(tokens: readonly Token[]): Token[][] {
  const runs: Token[][] = [];
  let depth = 0;
  for (const token of tokens) {
    if (depth === 0) runs.push([]);
    runs.at(-1)!.push(token);
    depth += token.nesting;
  }
  return runs;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
