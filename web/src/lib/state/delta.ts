/**
 * The law of deltas: a delta is text at a character offset. What lies before the end of the known text is known
 * already and is skipped; what begins after it means that something was missed.
 *
 * Offsets count Unicode characters (code points), as the server does. JavaScript counts UTF-16 units, so the length
 * of a text that is being written is kept beside it rather than counted anew for each delta.
 */

/** Number of code points. */
export function characters(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length - 1; i++) {
    if (isHigh(text.charCodeAt(i)) && isLow(text.charCodeAt(i + 1))) {
      count--;
      i++;
    }
  }
  return count;
}

/** `text` without its first `count` code points. */
function skip(text: string, count: number): string {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left--) at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(at);
}

const isHigh = (unit: number) => unit >= 0xd800 && unit <= 0xdbff;
const isLow = (unit: number) => unit >= 0xdc00 && unit <= 0xdfff;

/** The part of a delta that is new to a text of `known` characters; null when characters in between are missing. */
export function news(known: number, delta: { text: string; offset: number }): string | null {
  if (delta.offset > known) return null;
  return delta.offset === known ? delta.text : skip(delta.text, known - delta.offset);
}
