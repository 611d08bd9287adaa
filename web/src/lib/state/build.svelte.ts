/** Owns what is known about the library that is compiled for the server's processor. */

import type { Client } from "../api/client.ts";
import type { BuildState } from "../api/types.ts";
import { News } from "./news.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Build {
  /** Null until the server has told. */
  state = $state.raw<BuildState | null>(null);

  #client: Client;
  #toasts: Toasts;
  #news = new News<BuildState>((state) => (this.state = state));

  constructor(client: Client, toasts: Toasts) {
    this.#client = client;
    this.#toasts = toasts;
  }

  hear = (state: BuildState): void => this.#news.hear(state);
  start = (): Promise<void> => this.#change(this.#client.startBuild());
  stop = (): Promise<void> => this.#change(this.#client.stopBuild());

  async #change(asked: Promise<BuildState>): Promise<void> {
    try {
      await this.#news.reply(asked, (state) => state);
    } catch (error) {
      this.#toasts.fail(error);
    }
  }
}
