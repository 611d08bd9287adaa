/**
 * Finds control tokens' texts in the part of a prompt where text may become control tokens. Which texts those are
 * only the tokenizer knows; these are the shapes that model families give them, for the eye.
 */

const SHAPES =
  /<\|[^|<>\n]{1,60}\|>|<｜[^｜<>\n]{1,60}｜>|<\/?(?:s|bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[\/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|SYSTEM_PROMPT)\]|<<\/?SYS>>/g;

export interface Piece {
  readonly text: string;
  readonly control: boolean;
}

export function cutAtControl(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(SHAPES)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), control: false });
    pieces.push({ text: match[0], control: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), control: false });
  return pieces;
}
