/**
 * Formulas in Markdown: $…$, $$…$$, \(…\) and \[…\]. A single dollar opens a formula only as Pandoc has it: no space
 * after the first, none before the last, no digit behind it; so "from $5 to $10" stays money.
 */

import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

const DOLLAR = 0x24;
const BACKSLASH = 0x5c;

export function math(md: MarkdownIt): void {
  md.inline.ruler.before("escape", "math", inline);
  md.block.ruler.before("fence", "math_block", block, { alt: ["paragraph", "blockquote", "list"] });
}

const PAIRS = [
  { open: "$$", close: "$$", display: true },
  { open: "\\(", close: "\\)", display: false },
  { open: "\\[", close: "\\]", display: true },
] as const;

function inline(state: StateInline, silent: boolean): boolean {
  const first = state.src.charCodeAt(state.pos);
  if (first !== DOLLAR && first !== BACKSLASH) return false;
  const pair = PAIRS.find(({ open }) => state.src.startsWith(open, state.pos));
  const found = pair ? between(state, pair.open, pair.close) : first === DOLLAR ? dollar(state) : null;
  if (!found || !found.tex.trim()) return false;
  if (!silent) push(state, found.tex, pair?.display ?? false);
  state.pos = found.end;
  return true;
}

interface Found {
  tex: string;
  end: number;
}

function between(state: StateInline, open: string, close: string): Found | null {
  const start = state.pos + open.length;
  const at = state.src.indexOf(close, start);
  return at < 0 || at > state.posMax ? null : { tex: state.src.slice(start, at), end: at + close.length };
}

const DOLLARS = /\$(?![\s$])((?:[^$\\\n]|\\[^\n])*?(?:[^\s\\$]|\\[^\s]))\$(?!\d)/y;

function dollar(state: StateInline): Found | null {
  DOLLARS.lastIndex = state.pos;
  const match = DOLLARS.exec(state.src);
  return match?.[1] === undefined ? null : { tex: match[1], end: state.pos + match[0].length };
}

function push(state: StateInline, tex: string, display: boolean): void {
  const token = state.push("math", "", 0);
  token.content = tex.trim();
  token.meta = { display };
}

/**
 * A formula that begins a line with $$ or \[ and may run over several, none of them blank. One that is not closed
 * by the end of the text is taken for a formula that is still being written.
 */
function block(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  const text = (line: number) => state.src.slice(state.bMarks[line]! + state.tShift[line]!, state.eMarks[line]).trimEnd();
  const head = text(startLine);
  const pair = PAIRS.find(({ open, display }) => display && head.startsWith(open));
  if (!pair) return false;
  const lines = [head.slice(pair.open.length)];
  let line = startLine;
  while (!lines.at(-1)!.includes(pair.close) && line + 1 < endLine) {
    line++;
    if (state.isEmpty(line) || state.sCount[line]! < state.blkIndent) return false;
    lines.push(text(line));
  }
  const last = lines.at(-1)!;
  const at = last.indexOf(pair.close);
  if (at >= 0 && at + pair.close.length < last.length) return false;
  if (silent) return true;
  if (at >= 0) lines[lines.length - 1] = last.slice(0, at);
  const token = state.push("math", "", 0);
  token.block = true;
  token.content = lines.join("\n").trim();
  token.map = [startLine, line + 1];
  token.meta = { display: true, open: at < 0 };
  state.line = line + 1;
  return true;
}
