/** Owns what is known about the server and its model, and the connection that keeps it current. */

import type { Client } from "../api/client.ts";
import type { Connection, ServerEvents } from "../api/events.ts";
import type { BuildState, Context, InstalledModel, ModelState, Outlook, Own, Template } from "../api/types.ts";
import { News } from "./news.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Model {
  state = $state.raw<ModelState>({ name: null, state: "none", progress: 0, error: null, notes: [], context: null });
  installed = $state.raw<readonly InstalledModel[]>([]);
  version = $state("");
  online = $state(true);
  /** False until the server has told its state. */
  known = $state(false);
  /** The preset that the page's model has of its own, as far as that was looked up. */
  preset = $state<string | null>(null);

  #client: Client;
  #toasts: Toasts;
  #news = new News<ModelState>((state) => this.#take(state));

  constructor(client: Client, toasts: Toasts) {
    this.#client = client;
    this.#toasts = toasts;
  }

  /** `onList` is called when the list of conversations changed, and after each new connection. */
  connect(onList: () => void, onBuild: (state: BuildState) => void): Connection<ServerEvents> {
    return this.#client.watch(
      { model: (state) => this.#news.hear(state), conversations: onList, build: onBuild },
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
      const { version, models } = await this.#news.reply(this.#client.state(), ({ model }) => model);
      this.version = version;
      this.installed = models;
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  load = (name: string): Promise<void> => this.#change(this.#client.load(name));

  /** Loads with a context from now on; null: with that of the settings. The reason where it is refused, else null. */
  async loadWith(name: string, context: Context | null): Promise<string | null> {
    try {
      await this.#news.reply(this.#client.load(name, context ?? { default: true }), (state) => state);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** The same model again, with what was said of it since. */
  async reload(name: string): Promise<void> {
    await this.unload();
    await this.load(name);
  }

  unload = (): Promise<void> => this.#change(this.#client.unload());

  /** What a window (null: the one it is loaded with) and an alpha (null: as needed) come to; null where that is not known, which is then said. */
  outlook(name: string, window: number | null, alpha: number | null): Promise<Outlook | null> {
    return this.#told(() => this.#client.outlook(name, window, alpha));
  }

  /** What a model has of its own, and the templates that it could have; null where that is not known, which is then said. */
  looked(name: string): Promise<{ own: Own; templates: readonly Template[] } | null> {
    return this.#told(async () => {
      const [own, templates] = await Promise.all([this.#client.own(name), this.#client.templates()]);
      return { own, templates };
    });
  }

  /** The template in the model's file, "" where it has none; null where that is not known, which is then said. */
  templateInFile(name: string): Promise<string | null> {
    return this.#told(async () => (await this.#client.template(name)).template ?? "");
  }

  /** What the server keeps of it, or the reason why it does not. */
  async keep(name: string, own: Own): Promise<Own | string> {
    try {
      const kept = await this.#client.setOwn(name, own);
      if (name === this.state.name) this.preset = kept.preset;
      return kept;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Looks up the preset of the page's model, which may have been changed elsewhere. */
  async lookUpPreset(): Promise<void> {
    const { name } = this.state;
    const own = name === null ? null : await this.#told(() => this.#client.own(name));
    if (name === this.state.name) this.preset = own?.preset ?? null;
  }

  async #told<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      return await ask();
    } catch (error) {
      this.#toasts.fail(error);
      return null;
    }
  }

  async #change(asked: Promise<ModelState>): Promise<void> {
    try {
      await this.#news.reply(asked, (state) => state);
    } catch (error) {
      this.#toasts.fail(error);
    }
  }

  #take(state: ModelState): void {
    this.state = state;
    this.known = true;
  }
}
