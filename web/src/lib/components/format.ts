/** Numbers as people of each language write them, and texts cut to a line. */

import type { Settings } from "../state/settings.svelte.ts";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A size in bytes with decimal units, as file managers and model pages show it. */
export function bytes(size: number, { language, words }: Settings): string {
  const step = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, size)) / 3)));
  const value = size / 1000 ** step;
  const digits = value < 10 && step > 1 ? 1 : 0;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${words.units[UNITS[step]!]}`;
}

/** A probability in percent, with digits where they say something. */
export function percent(share: number, { language }: Settings): string {
  const maximumFractionDigits = share < 0.01 ? 2 : share < 0.995 ? 1 : 0;
  return share.toLocaleString(language, { style: "percent", maximumFractionDigits });
}

const LINE = 120;

/** `text` on one line and no longer than a glance. */
export function shortened(text: string): string {
  const line = [...text.replace(/\s+/g, " ").trim()];
  return line.length > LINE ? `${line.slice(0, LINE).join("")}…` : line.join("");
}

const GLANCE = 90;

/** The end of the last line of a text that grows. */
export function lastLine(text: string): string {
  const line = [...(text.slice(-4 * GLANCE).trim().split("\n").at(-1) ?? "")];
  return line.length > GLANCE ? `…${line.slice(-GLANCE).join("")}` : line.join("");
}
