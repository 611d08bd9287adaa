/** Owns the list of conversations: what it holds, what is searched for, and changes to its entries. */

import type { Client } from "../api/client.ts";
import type { Head, Summary } from "../api/types.ts";
import type { Settings } from "./settings.svelte.ts";
import type { Toasts } from "./toasts.svelte.ts";

const TYPING_MS = 150;

export class Conversations {
  list = $state.raw<readonly Summary[]>([]);
  query = $state("");
  /** False until the first answer of the server. */
  known = $state(false);

  #asked = 0;
  #typing: ReturnType<typeof setTimeout> | undefined;
  #client: Client;
  #toasts: Toasts;
  #settings: Settings;

  constructor(client: Client, toasts: Toasts, settings: Settings) {
    this.#client = client;
    this.#toasts = toasts;
    this.#settings = settings;
  }

  async refresh(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const list = await this.#client.list(this.query.trim());
      if (mine !== this.#asked) return;
      this.list = list;
      this.known = true;
    } catch (error) {
      if (mine === this.#asked) this.#toasts.fail(error);
    }
  }

  /** Lists a conversation that was just made: entries must not move later, under a hand that reaches for one. */
  begin({ id, title, updated }: Head): void {
    if (!this.query.trim()) this.list = [{ id, title, updated, snippet: "" }, ...this.list];
    void this.refresh();
  }

  search(query: string): void {
    this.query = query;
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => void this.refresh(), query ? TYPING_MS : 0);
  }

  async rename(id: string, title: string): Promise<void> {
    const before = this.list;
    this.list = before.map((entry) => (entry.id === id ? { ...entry, title } : entry));
    try {
      await this.#client.rename(id, title);
    } catch (error) {
      this.list = before;
      this.#toasts.fail(error);
    }
  }

  /** Deletes, and offers for a while to undo that; `onRestored` is called when it was undone. */
  async remove(entry: Summary, onRestored: () => void): Promise<void> {
    this.list = this.list.filter((other) => other.id !== entry.id);
    const { words } = this.#settings;
    try {
      await this.#client.remove(entry.id);
      const run = () => void this.#restore(entry.id, onRestored);
      this.#toasts.say(words.removed(entry.title || words.untitled), { label: words.undo, run });
    } catch (error) {
      this.#toasts.fail(error);
      await this.refresh();
    }
  }

  async #restore(id: string, onRestored: () => void): Promise<void> {
    try {
      await this.#client.restore(id);
      onRestored();
    } catch (error) {
      this.#toasts.fail(error);
    }
    await this.refresh();
  }
}
