/** What each step did to the tokens, out of what each step left. */

import type { Likely, Stage } from "../api/types.ts";

/** How many tokens of each step are shown. */
export const SHOWN = 10;
/** How many are asked for: a token that is not among them, after a step that cut some, was cut. */
export const ASKED = 100;

export interface Column {
  readonly step: string;
  readonly survivors: number;
  readonly top: readonly Likely[];
  /** Of the tokens that the column before shows, those that are gone. */
  readonly cut: readonly Likely[];
}

export function columnsOf(stages: readonly Stage[]): Column[] {
  return stages.map(({ step, survivors, top }, i) => {
    const before = stages[i - 1];
    const left = new Set(top.map(({ id }) => id));
    const gone = before && survivors < before.survivors ? shown(before).filter(({ id }) => !left.has(id)) : [];
    return { step, survivors, top: top.slice(0, SHOWN), cut: gone };
  });
}

const shown = ({ top }: Stage) => top.slice(0, SHOWN);

/** A token's text with its white space to be seen; its bytes where it is no text. */
export function spelled({ text, bytes }: Likely): string {
  if (text.includes("\uFFFD")) return bytes.map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
  return text.replace(/\n/g, "⏎").replace(/\t/g, "⇥").replace(/ /g, "␣");
}
