/** Owns what is known about the server and its model, and the connection that keeps it current. */

import type { Client } from "../api/client.ts";
import type { Connection, ServerEvents } from "../api/events.ts";
import type { BuildState, Context, InstalledModel, ModelState, Outlook } from "../api/types.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Model {
  state = $state.raw<ModelState>({ name: null, state: "none", progress: 0, error: null, notes: [], context: null });
  installed = $state.raw<readonly InstalledModel[]>([]);
  version = $state("");
  online = $state(true);
  /** False until the server has told its state. */
  known = $state(false);

  #client: Client;
  #toasts: Toasts;

  constructor(client: Client, toasts: Toasts) {
    this.#client = client;
    this.#toasts = toasts;
  }

  /** `onList` is called when the list of conversations changed, and after each new connection. */
  connect(onList: () => void, onBuild: (state: BuildState) => void): Connection<ServerEvents> {
    return this.#client.watch(
      { model: (state) => this.#take(state), conversations: onList, build: onBuild },
      {
        onOpen: () => {
          this.online = true;
          void this.refresh();
          onList();
        },
        onDown: () => (this.online = false),
      },
    );
  }

  async refresh(): Promise<void> {
    try {
      const { version, model, models } = await this.#client.state();
      this.version = version;
      this.installed = models;
      this.#take(model);
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  load = (name: string): Promise<void> => this.#change(this.#client.load(name));

  /** Loads with a context from now on; null: with that of the settings. The reason where it is refused, else null. */
  async loadWith(name: string, context: Context | null): Promise<string | null> {
    try {
      this.#take(await this.#client.load(name, context ?? { default: true }));
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  unload = (): Promise<void> => this.#change(this.#client.unload());

  /** What a window (null: the one it is loaded with) and an alpha (null: as needed) come to; null where that is not known, which is then said. */
  async outlook(name: string, window: number | null, alpha: number | null): Promise<Outlook | null> {
    try {
      return await this.#client.outlook(name, window, alpha);
    } catch (error) {
      this.#toasts.fail(error);
      return null;
    }
  }

  async #change(asked: Promise<ModelState>): Promise<void> {
    try {
      this.#take(await asked);
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  #take(state: ModelState): void {
    this.state = state;
    this.known = true;
  }
}
