/** Owns what is being said of one model alone: what is kept of it, and what would be. Its context is chosen elsewhere. */

import type { Own, Template } from "../api/types.ts";
import type { Model } from "./model.svelte.ts";

export class OwnChoice {
  readonly name: string;
  threads = $state<number | null>(null);
  /** Null: as the settings say. */
  library = $state<Own["library"]>(null);
  /** "": the one in the model's file. */
  template = $state("");
  preset = $state<string | null>(null);
  /** What came along with the server. */
  templates = $state.raw<readonly Template[]>([]);
  /** The template in the model's file, once it was asked for; "" where that has none. */
  fromFile = $state<string | null>(null);
  /** Why the server would not keep it: a sentence. */
  failure = $state<string | null>(null);
  saving = $state(false);

  #model: Model;
  #kept = $state.raw<Own | null>(null);

  constructor(name: string, model: Model) {
    this.name = name;
    this.#model = model;
  }

  readonly known = $derived.by(() => this.#kept !== null);

  readonly changed = $derived.by(() => JSON.stringify(this.#said()) !== JSON.stringify(this.#kept));

  /** Whether something was changed that only a load can bring. */
  readonly needsLoad = $derived.by(() => {
    const { threads, library } = this.#said();
    return this.#kept !== null && (threads !== this.#kept.threads || library !== this.#kept.library);
  });

  /** False where nothing can be said of the model, which has then been told. */
  async look(): Promise<boolean> {
    const told = await this.#model.looked(this.name);
    if (told) {
      this.#begin(told.own);
      this.templates = told.templates;
    }
    return told !== null;
  }

  /** The template in the model's file; "" where it has none, null where that is not known, which has then been told. */
  async readFile(): Promise<string | null> {
    this.fromFile ??= await this.#model.templateInFile(this.name);
    return this.fromFile;
  }

  /** True when the server keeps it. */
  async save(): Promise<boolean> {
    this.saving = true;
    const answer = await this.#model.keep(this.name, this.#said());
    this.saving = false;
    this.failure = typeof answer === "string" ? answer : null;
    if (typeof answer !== "string") this.#begin(answer);
    return this.failure === null;
  }

  #begin(own: Own): void {
    this.threads = own.threads;
    this.library = own.library;
    this.template = own.template ?? "";
    this.preset = own.preset;
    this.#kept = this.#said();
  }

  #said(): Own {
    const { threads, library, template, preset } = this;
    return { threads: threads ?? null, library, template: template || null, preset };
  }
}
