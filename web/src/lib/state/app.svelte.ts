/** Puts the stores together and hands them to components through Svelte's context. Owns which chat is open. */

import { createContext } from "svelte";
import { createClient, type Client } from "../api/client.ts";
import { Http } from "../api/http.ts";
import type { Conversation, Summary } from "../api/types.ts";
import { Renderer } from "../markdown/renderer.svelte.ts";
import type { Language } from "../words/words.ts";
import { Ahead } from "./ahead.ts";
import { Build } from "./build.svelte.ts";
import { Chat } from "./chat.svelte.ts";
import { Conversations } from "./conversations.svelte.ts";
import { Drafts } from "./drafts.ts";
import type { LiveMessage } from "./messages.svelte.ts";
import { Keys } from "./keys.svelte.ts";
import { Model } from "./model.svelte.ts";
import { Presets } from "./presets.svelte.ts";
import { Router } from "./router.svelte.ts";
import { Sampling, type Save } from "./sampling.svelte.ts";
import { Session } from "./session.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";
import { View } from "./view.svelte.ts";

export const [useApp, provideApp] = createContext<App>();

/** What a conversation that is not there yet begins with. */
class Next {
  system = $state("");
  readonly sampling: Sampling;

  constructor(sampling: Sampling) {
    this.sampling = sampling;
  }
}

/** A conversation that does not exist yet keeps its choice on the page. */
const keepHere: Save = async (choice) => choice && { values: {}, order: [], preset: null, ...choice };

export class App {
  readonly settings = new Settings();
  readonly toasts = new Toasts(this.settings);
  readonly drafts = new Drafts();
  readonly router = new Router();
  readonly view = new View();
  readonly renderer = new Renderer(() => this.settings.words.copyCode);
  readonly session: Session;
  readonly keys: Keys;
  readonly model: Model;
  readonly build: Build;
  readonly conversations: Conversations;
  readonly presets: Presets;
  /** What the next new conversation begins with. */
  readonly next: Next;
  chat = $state.raw<Chat | null>(null);

  /** What the next answer is drawn with. */
  readonly sampling = $derived.by(() => this.chat?.sampling ?? this.next.sampling);

  #client: Client;
  #ahead: Ahead;

  constructor() {
    const around = {
      language: () => this.settings.language,
      unreachable: () => this.settings.words.unreachable,
      locked: () => this.session.lost(),
    };
    this.#client = createClient(new Http(around), new Http(around, "/v1"));
    this.session = new Session(this.#client);
    this.keys = new Keys(this.#client, this.session, this.toasts);
    this.#ahead = new Ahead((system, content) => this.#client.draftFirst(system ?? "", content), false);
    this.model = new Model(this.#client, this.toasts);
    this.build = new Build(this.#client, this.toasts);
    this.presets = new Presets(this.#client, this.toasts, () => this.model.preset);
    this.next = new Next(new Sampling(this.presets, this.toasts, keepHere));
    this.conversations = new Conversations(this.#client, this.toasts, this.settings);
  }

  /** Opens the chat that the address names and closes the one before it. */
  follow(fresh?: Conversation): void {
    const id = this.router.conversation;
    if ((this.chat?.id ?? null) === id) return;
    this.chat?.close();
    void this.#ahead.forget();
    this.chat = id === null ? null : new Chat(id, this.#client, this.toasts, this.presets, fresh);
    this.view.reset();
  }

  open(id: string | null, fresh?: Conversation): void {
    this.router.go(id);
    this.follow(fresh);
    this.view.drawer = false;
  }

  /** What is in the field, for the model to read while nothing else is to do. */
  typed(content: string): void {
    if (this.chat) this.chat.typed(content);
    else this.#ahead.typed(this.next.system.trim() || null, content);
  }

  /** Sends into the open chat, or into a new one. True when the message was accepted. */
  async send(content: string): Promise<boolean> {
    if (this.chat) return this.chat.send(content);
    try {
      await this.#ahead.forget();
      const fresh = await this.#client.create(this.next.system.trim());
      const { choice } = this.next.sampling;
      this.conversations.begin(fresh);
      this.open(fresh.id, fresh);
      if (choice) this.chat!.sampling.adopt(choice);
      this.next.system = "";
      this.next.sampling.adopt(null);
    } catch (error) {
      this.toasts.fail(error);
      return false;
    }
    return this.chat!.send(content);
  }

  /** Another answer, with repetition discouraged more than it was. */
  async raiseDry(message: LiveMessage): Promise<void> {
    // What stands under the change is kept with it, and may not have been read as yet.
    if (this.presets.usual !== null) await this.presets.get(this.presets.usual);
    this.chat?.sampling.raiseDry();
    await this.chat?.startOver(message);
  }

  async removePreset(name: string): Promise<void> {
    const gone = await this.presets.remove(name);
    if (!gone) return;
    const undo = () => void this.presets.save(gone.name, gone.values, gone.order, gone.about);
    this.toasts.say(this.settings.words.presetRemoved(name), { label: this.settings.words.undo, run: undo });
  }

  async importPreset(file: File): Promise<void> {
    const taken = await this.presets.import(file);
    if (!taken) return;
    await this.sampling.choose(taken.preset.name);
    const w = this.settings.words;
    this.toasts.say(taken.ignored.length ? w.presetIgnored(taken.ignored.join(", ")) : w.presetImported(taken.preset.name));
  }

  async branch(message: LiveMessage): Promise<void> {
    const id = await this.chat?.branch(message);
    if (!id) return;
    this.open(id);
    this.toasts.say(this.settings.words.branched);
  }

  search(): void {
    this.view.drawer = true;
    this.view.searches++;
  }

  /** Turns to the next or previous version of the message `id`, or of the last one that has versions. */
  turn(id: string | null, step: -1 | 1): void {
    const messages = this.chat?.messages;
    const hasVersions = (message: LiveMessage) => (messages?.versions(message).ids.length ?? 0) > 1;
    const message =
      messages?.path.find((one) => one.id === id && hasVersions(one)) ?? messages?.path.findLast(hasVersions);
    if (message) void this.chat?.turn(message, step);
  }

  /** True when the text is on the clipboard. */
  async copy(text: string): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      this.toasts.fail(new Error(this.settings.words.copyFailed));
      return false;
    }
  }

  async remove(entry: Summary): Promise<void> {
    const wasOpen = this.chat?.id === entry.id;
    if (wasOpen) this.open(null);
    await this.conversations.remove(entry, () => wasOpen && this.chat === null && this.open(entry.id));
  }

  speak(language: Language): void {
    this.settings.setLanguage(language);
    this.chat?.renew();
  }
}
