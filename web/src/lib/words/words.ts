/** The catalogue: which languages there are and which one a person reads. */

import { en } from "./en.ts";
import { ru } from "./ru.ts";

export type Words = typeof en;
export type Language = "en" | "ru";

export const catalogues: Record<Language, Words> = { en, ru };
export const LANGUAGES = Object.keys(catalogues) as Language[];

/** The catalogue language for a list of preferred locales: the first one that there is, else English. */
export function languageOf(preferred: readonly string[]): Language {
  for (const locale of preferred) {
    const language = locale.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((known) => known === language);
    if (found) return found;
  }
  return "en";
}
