/** Owns what is known about the library that is compiled for the server's processor. */

import type { Client } from "../api/client.ts";
import type { BuildState } from "../api/types.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Build {
  /** Null until the server has told. */
  state = $state.raw<BuildState | null>(null);

  #client: Client;
  #toasts: Toasts;

  constructor(client: Client, toasts: Toasts) {
    this.#client = client;
    this.#toasts = toasts;
  }

  take = (state: BuildState): void => void (this.state = state);
  start = (): Promise<void> => this.#change(this.#client.startBuild());
  stop = (): Promise<void> => this.#change(this.#client.stopBuild());

  async #change(asked: Promise<BuildState>): Promise<void> {
    try {
      this.take(await asked);
    } catch (error) {
      this.#toasts.fail(error);
    }
  }
}
