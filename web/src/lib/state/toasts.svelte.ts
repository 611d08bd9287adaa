/** Owns the short notices at the edge of the page. */

import type { Settings } from "./settings.svelte.ts";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "error";
  readonly action: { readonly label: string; readonly run: () => void } | null;
}

const STAYS_MS = 7000;

export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #last = 0;
  #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  say(text: string, action: Toast["action"] = null): void {
    this.#add({ text, action, tone: "plain" });
  }

  /** Shows the sentence of an error that was caught. */
  fail(error: unknown): void {
    const text = error instanceof Error && error.message ? error.message : this.#settings.words.unreachable;
    if (!this.list.some((toast) => toast.text === text)) this.#add({ text, tone: "error", action: null });
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, "id">): void {
    const id = ++this.#last;
    this.list = [...this.list.slice(-2), { ...toast, id }];
    setTimeout(() => this.dismiss(id), STAYS_MS);
  }
}
