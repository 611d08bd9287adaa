/** Puts the stores together and hands them to components through Svelte's context. Owns which chat is open. */

import { createContext } from "svelte";
import { createClient, type Client } from "../api/client.ts";
import { Http } from "../api/http.ts";
import type { Conversation, Summary } from "../api/types.ts";
import { Renderer } from "../markdown/renderer.svelte.ts";
import type { Language } from "../words/words.ts";
import { Chat } from "./chat.svelte.ts";
import { Conversations } from "./conversations.svelte.ts";
import { Drafts } from "./drafts.ts";
import type { LiveMessage } from "./messages.svelte.ts";
import { Model } from "./model.svelte.ts";
import { Router } from "./router.svelte.ts";
import { Settings } from "./settings.svelte.ts";
import { Toasts } from "./toasts.svelte.ts";
import { View } from "./view.svelte.ts";

export const [useApp, provideApp] = createContext<App>();

export class App {
  readonly settings = new Settings();
  readonly toasts = new Toasts(this.settings);
  readonly drafts = new Drafts();
  readonly router = new Router();
  readonly view = new View();
  readonly renderer = new Renderer(() => this.settings.words.copyCode);
  readonly model: Model;
  readonly conversations: Conversations;
  chat = $state.raw<Chat | null>(null);

  #client: Client;

  constructor() {
    this.#client = createClient(
      new Http({
        language: () => this.settings.language,
        unreachable: () => this.settings.words.unreachable,
      }),
    );
    this.model = new Model(this.#client, this.toasts);
    this.conversations = new Conversations(this.#client, this.toasts, this.settings);
  }

  /** Opens the chat that the address names and closes the one before it. */
  follow(fresh?: Conversation): void {
    const id = this.router.conversation;
    if ((this.chat?.id ?? null) === id) return;
    this.chat?.close();
    this.chat = id === null ? null : new Chat(id, this.#client, this.toasts, fresh);
    this.view.reset();
  }

  open(id: string | null, fresh?: Conversation): void {
    this.router.go(id);
    this.follow(fresh);
    this.view.drawer = false;
  }

  /** Sends into the open chat, or into a new one. True when the message was accepted. */
  async send(content: string): Promise<boolean> {
    if (this.chat) return this.chat.send(content);
    try {
      const fresh = await this.#client.create();
      this.open(fresh.id, fresh);
    } catch (error) {
      this.toasts.fail(error);
      return false;
    }
    return this.chat!.send(content);
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
