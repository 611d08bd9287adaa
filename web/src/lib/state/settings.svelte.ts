/** Owns what a person chose about the page: theme and language. Kept in localStorage, shared by all tabs. */

import { catalogues, languageOf, LANGUAGES, type Language } from "../words/words.ts";
import { recall, remember } from "./storage.ts";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

const KEY = "samovar.settings";

export class Settings {
  theme = $state<Theme>("system");
  language = $state<Language>(languageOf(navigator.languages));
  readonly words = $derived(catalogues[this.language]);

  constructor() {
    this.#read(recall(KEY));
    window.addEventListener("storage", (event) => {
      if (event.key === KEY) this.#read(event.newValue);
    });
    $effect.root(() => {
      $effect(() => {
        const root = document.documentElement;
        root.lang = this.language;
        if (this.theme === "system") delete root.dataset.theme;
        else root.dataset.theme = this.theme;
      });
    });
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.#write();
  }

  setLanguage(language: Language): void {
    this.language = language;
    this.#write();
  }

  #write(): void {
    remember(KEY, JSON.stringify({ theme: this.theme, language: this.language }));
  }

  #read(text: string | null): void {
    if (!text) return;
    try {
      const { theme, language } = JSON.parse(text) as { theme?: Theme; language?: Language };
      this.theme = THEMES.find((known) => known === theme) ?? this.theme;
      this.language = LANGUAGES.find((known) => known === language) ?? this.language;
    } catch {
      // Foreign content under our key: the present choice stays.
    }
  }
}
