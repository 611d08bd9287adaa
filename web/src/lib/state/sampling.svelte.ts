/**
 * Owns what one conversation's answers are drawn with. Changes are seen at once and saved after a pause; until they
 * are, what the server tells stays behind them. Knows no route: it is given a way to save.
 */

import type { Parameter, Sampling as Choice, Value } from "../api/types.ts";
import { same, UNCHOSEN, type Presets } from "./presets.svelte.ts";
import type { Toasts } from "./toasts.svelte.ts";

export type { Choice };
/** Saves a choice and says what the server keeps of it. */
export type Save = (choice: Partial<Choice> | null) => Promise<Choice | null>;

const PAUSE_MS = 300;
const DRY = "dry_multiplier";
const DRY_START = 0.8;
const DRY_STEP = 0.2;

export class Sampling {
  choice = $state.raw<Choice | null>(null);
  /** The preset that the values began as, where it is still there. */
  readonly preset = $derived.by(() => {
    const name = this.choice ? this.choice.preset : (this.#presets.usual ?? UNCHOSEN);
    return this.#presets.has(name) ? name : null;
  });

  #kept: Choice | null = null;
  /** Changes made, handed over to be saved, and answered for. */
  #made = 0;
  #given = 0;
  #done = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saving: Promise<boolean> = Promise.resolve(true);
  #presets: Presets;
  #save: Save;
  #toasts: Toasts;

  constructor(presets: Presets, toasts: Toasts, save: Save, choice: Choice | null = null) {
    this.#presets = presets;
    this.#toasts = toasts;
    this.#save = save;
    this.choice = this.#kept = choice;
  }

  /** Whether the values of the model's own preset stand under what was chosen here. */
  get overModel(): boolean {
    return !this.choice?.preset && this.#presets.usual !== null;
  }

  value(parameter: Parameter): Value {
    return this.choice?.values[parameter.name] ?? this.#under(parameter) ?? parameter.default;
  }

  /** Whether it is other than where the values came from. */
  changed(parameter: Parameter): boolean {
    const from = this.#presets.complete(this.choice?.preset ?? this.#presets.usual)[parameter.name];
    return !same(this.value(parameter), from ?? parameter.default);
  }

  #under(parameter: Parameter): Value | undefined {
    return this.overModel ? this.#presets.complete(this.#presets.usual)[parameter.name] : undefined;
  }

  isNeutral(parameter: Parameter): boolean {
    return same(this.value(parameter), parameter.neutral);
  }

  set(parameter: Parameter, value: Value): void {
    this.#change({ ...this.#all(), [parameter.name]: value });
  }

  /** Every parameter at its neutral value: the model's own probabilities. */
  neutralize(): void {
    this.#change(Object.fromEntries(this.#presets.parameters.map((one) => [one.name, one.neutral])));
  }

  async choose(name: string): Promise<void> {
    const preset = await this.#presets.get(name);
    if (preset) this.adopt({ values: preset.complete, order: preset.order, preset: preset.name });
  }

  adopt(choice: Choice | null): void {
    this.choice = choice;
    this.#made++;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.settle(), PAUSE_MS);
  }

  /** Discourages repetition more than it was. */
  raiseDry(): void {
    const dry = this.#presets.parameter(DRY);
    if (!dry) return;
    const now = Number(this.value(dry));
    const raised = now < DRY_START ? DRY_START : Number((now + DRY_STEP).toFixed(2));
    this.set(dry, Math.min(raised, dry.maximum));
  }

  get canRaiseDry(): boolean {
    return this.#presets.parameter(DRY) !== undefined;
  }

  /** What the server has now. */
  take(kept: Choice | null): void {
    this.#kept = kept;
    if (this.#done === this.#made) this.choice = kept;
  }

  /** Saves now what waits to be saved. True when the server has everything. */
  async settle(): Promise<boolean> {
    clearTimeout(this.#timer);
    if (this.#given === this.#made) return this.#done === this.#made || this.#saving;
    const change = (this.#given = this.#made);
    const choice = this.choice;
    return (this.#saving = this.#saving.then(() => this.#keep(choice, change)));
  }

  async #keep(choice: Choice | null, change: number): Promise<boolean> {
    let saved = true;
    try {
      this.#kept = await this.#save(choice && { ...choice, preset: this.#nameOf(choice) });
    } catch (error) {
      this.#toasts.fail(error);
      saved = false;
    }
    this.#done = change;
    if (change === this.#made) this.choice = this.#kept;
    return saved;
  }

  /** A preset that is gone can no longer be named; its values stay. */
  #nameOf({ preset }: Choice): string | null {
    return this.#presets.list.length === 0 || this.#presets.has(preset) ? preset : null;
  }

  /** Every value by its name, so that what is kept does not change with the preset or the product's defaults. */
  #all(): Record<string, Value> {
    return Object.fromEntries(this.#presets.parameters.map((one) => [one.name, this.value(one)]));
  }

  #change(values: Record<string, Value>): void {
    this.adopt({ values, order: this.choice?.order ?? [], preset: this.choice ? this.choice.preset : this.preset });
  }
}
