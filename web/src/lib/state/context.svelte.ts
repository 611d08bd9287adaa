/** Owns what is being chosen about one model's context: what it comes to, and what becomes of the load with it. */

import type { Context, Outlook } from "../api/types.ts";
import type { Model } from "./model.svelte.ts";

const same = (one: Context | null, other: Context | null) => JSON.stringify(one) === JSON.stringify(other);

/** In the order of the server's fields, so that two of them can be compared. */
const contextOf = (ctx: number, alpha: number | null, keys: string, values: string): Context => ({
  ctx,
  alpha,
  cache: { keys, values },
});

export class ContextChoice {
  readonly name: string;
  outlook = $state.raw<Outlook | null>(null);
  /** Tokens; 0 until the server has told what there is. */
  window = $state(0);
  /** Null: as much as the window needs. */
  alpha = $state<number | null>(null);
  keys = $state("");
  values = $state("");

  #model: Model;
  #asked = $state.raw<{ context: Context | null } | null>(null);
  #refused = $state<string | null>(null);

  constructor(name: string, model: Model) {
    this.name = name;
    this.#model = model;
  }

  /** Bytes of the chosen keys and values. */
  readonly memory = $derived.by(() => {
    const cost = (type: string) => this.outlook?.cache.find((one) => one.type === type);
    return (cost(this.keys)?.keys ?? 0) + (cost(this.values)?.values ?? 0);
  });

  /** Whether the model's state is that of the load which was asked for here. */
  readonly #mine = $derived.by(() => {
    const { state } = this.#model;
    return this.#asked !== null && state.name === this.name && same(state.context, this.#asked.context);
  });

  readonly loaded = $derived.by(() => this.#mine && this.#model.state.state === "ready");

  /** Why the load did not work: a sentence. */
  readonly failure = $derived.by(() => {
    if (this.#refused !== null) return this.#refused;
    return this.#mine && this.#model.state.state === "failed" ? this.#model.state.error : null;
  });

  readonly loading = $derived.by(() => this.#asked !== null && this.failure === null && !this.loaded);

  /** Asks what the choice comes to. False where that is not known, which has then been said. */
  async look(): Promise<boolean> {
    const { window, alpha } = this;
    const got = await this.#model.outlook(this.name, window || null, alpha);
    if (window !== this.window || alpha !== this.alpha) return true;
    if (got) {
      if (!this.outlook) this.#begin(got);
      this.outlook = got;
    }
    return got !== null;
  }

  load(): Promise<void> {
    return this.#ask(contextOf(this.window, this.alpha, this.keys, this.values));
  }

  /** Loads as the settings say, and forgets what was chosen. */
  back(): Promise<void> {
    return this.#ask(null);
  }

  #begin({ chosen, default: usual, window }: Outlook): void {
    const { alpha, cache } = chosen ?? usual;
    this.window = window;
    this.alpha = alpha;
    this.keys = cache.keys;
    this.values = cache.values;
  }

  async #ask(context: Context | null): Promise<void> {
    this.#asked = { context };
    this.#refused = null;
    this.#refused = await this.#model.loadWith(this.name, context);
  }
}
