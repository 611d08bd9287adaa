/** Owns what can be set about sampling and the presets that there are: declarations, the list, what each one sets. */

import type { Client } from "../api/client.ts";
import type { ListedPreset, Parameter, Preset, Value, Values } from "../api/types.ts";
import type { Toasts } from "./toasts.svelte.ts";

/** The preset that says what is used where nothing was chosen. */
export const UNCHOSEN = "default";

export class Presets {
  parameters = $state.raw<readonly Parameter[]>([]);
  list = $state.raw<readonly ListedPreset[]>([]);
  #read = $state.raw<ReadonlyMap<string, Preset>>(new Map());
  #groups = new Map<string, string>();
  #language = "";
  #client: Client;
  #toasts: Toasts;
  #ofModel: () => string | null;

  /** `ofModel`: the preset that the page's model has of its own. */
  constructor(client: Client, toasts: Toasts, ofModel: () => string | null = () => null) {
    this.#client = client;
    this.#toasts = toasts;
    this.#ofModel = ofModel;
  }

  /** What stands under a conversation for which no preset was chosen; null: the product's defaults. */
  get usual(): string | null {
    const name = this.#ofModel();
    return this.has(name) ? name : null;
  }

  /** Reads the declarations once a language, in which their help is, and the list each time. False when it failed. */
  async load(language: string): Promise<boolean> {
    return this.#try(async () => {
      if (this.#language !== language) {
        const { parameters, steps } = await this.#client.sampling();
        this.#groups = new Map(steps.map(({ name, group }) => [name, group]));
        this.parameters = parameters;
        this.#language = language;
      }
      await this.#refresh();
    });
  }

  /** As `load`, for those who need only the declarations and can do with older ones. */
  async known(language: string): Promise<boolean> {
    return this.parameters.length > 0 || this.load(language);
  }

  parameter(name: string): Parameter | undefined {
    return this.parameters.find((one) => one.name === name);
  }

  /** The kind of step that a parameter belongs to, as the server names it. */
  group(parameter: Parameter): string {
    return this.#groups.get(parameter.step) ?? parameter.step;
  }

  has(name: string | null): name is string {
    return this.list.some((preset) => preset.name === name && !preset.problem);
  }

  /** All that a preset sets, as far as it was read; null: the product's defaults. */
  complete(name: string | null): Values {
    return (name !== null && this.#read.get(name)?.complete) || {};
  }

  /** Null when it cannot be read. */
  async get(name: string): Promise<Preset | null> {
    const known = this.#read.get(name);
    if (known) return known;
    await this.#try(async () => this.#know(await this.#client.preset(name)));
    return this.#read.get(name) ?? null;
  }

  /** What has to be named so that a preset sets `values`: steps that it does not name are off. */
  named(value: (parameter: Parameter) => Value): Values {
    const needed = this.parameters.filter((one) => !same(value(one), one.switch ? one.neutral : one.default));
    return Object.fromEntries(needed.map((one) => [one.name, value(one)]));
  }

  /** The preset as it was saved; null when it could not be. */
  async save(name: string, values: Values, order: readonly string[], about = ""): Promise<Preset | null> {
    let saved: Preset | null = null;
    await this.#try(async () => {
      this.#know((saved = await this.#client.savePreset(name, { values, order, about })));
      await this.#refresh();
    });
    return saved;
  }

  async import(file: File): Promise<{ preset: Preset; ignored: string[] } | null> {
    let taken: { preset: Preset; ignored: string[] } | null = null;
    await this.#try(async () => {
      taken = await this.#client.importPreset(file);
      this.#know(taken.preset);
      await this.#refresh();
    });
    return taken;
  }

  /** The preset that is gone now, so that it can come back; null when it stays. */
  async remove(name: string): Promise<Preset | null> {
    const preset = await this.get(name);
    const removed = await this.#try(async () => {
      await this.#client.removePreset(name);
      await this.#refresh();
    });
    return removed ? preset : null;
  }

  async #refresh(): Promise<void> {
    this.list = await this.#client.presets();
    // Own ones may have been changed elsewhere.
    this.#read = new Map([...this.#read].filter(([, preset]) => preset.builtin));
  }

  #know(preset: Preset): void {
    this.#read = new Map(this.#read).set(preset.name, preset);
  }

  async #try(action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.#toasts.fail(error);
      return false;
    }
  }
}

/** Whether two values of one parameter are equal. */
export const same = (one: Value, other: Value): boolean => JSON.stringify(one) === JSON.stringify(other);
