/** Owns the conversation that is open: its live connection and everything a person can do in it. */

import type { Client } from "../api/client.ts";
import type { Connection, ConversationEvents } from "../api/events.ts";
import type { ApiError } from "../api/http.ts";
import type { Asked, Conversation, Prompt, Stage } from "../api/types.ts";
import { Ahead } from "./ahead.ts";
import { Messages, type LiveMessage } from "./messages.svelte.ts";
import type { Presets } from "./presets.svelte.ts";
import { Sampling } from "./sampling.svelte.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Chat {
  readonly id: string;
  readonly messages = new Messages();
  readonly sampling: Sampling;
  title = $state("");
  status = $state<"opening" | "open" | "missing">("opening");

  #ahead: Ahead;
  #connection: Connection<ConversationEvents>;
  #client: Client;
  #toasts: Toasts;

  /** `fresh`: the conversation as it was just made, so that it can be written into before the connection stands. */
  constructor(id: string, client: Client, toasts: Toasts, presets: Presets, fresh?: Conversation) {
    this.id = id;
    this.#client = client;
    this.#toasts = toasts;
    this.sampling = new Sampling(presets, toasts, async (choice) => (await client.draw(id, choice)).sampling);
    this.#ahead = new Ahead((parent, content) => client.draft(id, parent, content), true);
    if (fresh) this.#take(fresh);
    this.#connection = client.watchConversation(
      id,
      {
        conversation: (whole) => this.#take(whole),
        message: (message) => this.messages.take(message),
        delta: (delta) => {
          if (!this.messages.append(delta)) this.#connection.renew();
        },
        thought: (delta) => {
          if (!this.messages.think(delta)) this.#connection.renew();
        },
        progress: (progress) => this.messages.progress(progress),
        current: ({ current }) => (this.messages.current = current),
        title: ({ title }) => (this.title = title),
        window: (window) => (this.messages.window = window),
        sampling: ({ sampling }) => this.sampling.take(sampling),
        loop: (loop) => this.messages.loop(loop),
      },
      { onDown: (why) => this.#down(why) },
    );
  }

  /** Asks for everything anew: sentences of the server come in the language of the connection. */
  renew(): void {
    this.#connection.renew();
  }

  close(): void {
    void this.sampling.settle();
    void this.#ahead.forget();
    this.#connection.close();
  }

  /** What is in the field, for the model to read while nothing else is to do. */
  typed(content: string): void {
    if (this.status === "open" && !this.messages.streaming) this.#ahead.typed(this.messages.current, content);
  }

  /** True when the message was accepted. */
  async send(content: string): Promise<boolean> {
    void this.#ahead.forget();
    return this.#ask(() => this.#client.send(this.id, this.messages.current, content));
  }

  async fork(message: LiveMessage, content: string): Promise<boolean> {
    return this.#ask(() => this.#client.fork(message.id, content));
  }

  async regenerate(message: LiveMessage): Promise<void> {
    if (!this.messages.streaming) await this.#regenerate(message);
  }

  /** Another answer in place of this one, which may still be written. */
  async startOver(message: LiveMessage): Promise<void> {
    if (message.state === "streaming" && !(await this.stop())) return;
    await this.#regenerate(message);
  }

  async goOn(message: LiveMessage): Promise<void> {
    if (this.messages.streaming || !(await this.sampling.settle())) return;
    await this.#try(() => this.#client.goOn(message.id));
  }

  async edit(message: LiveMessage, content: string): Promise<boolean> {
    return this.#try(async () => this.messages.take(await this.#client.edit(message.id, content)));
  }

  async stop(): Promise<boolean> {
    return this.#try(() => this.#client.stop(this.id));
  }

  async turn(message: LiveMessage, step: -1 | 1): Promise<void> {
    const leaf = this.messages.leafOfVersion(message, step);
    if (leaf === null || this.messages.streaming) return;
    this.messages.current = leaf;
    await this.#try(() => this.#client.show(this.id, leaf));
  }

  /** The id of the new conversation, or null when it could not be made. */
  async branch(message: LiveMessage): Promise<string | null> {
    let id: string | null = null;
    await this.#try(async () => (id = (await this.#client.branch(message.id)).id));
    return id;
  }

  async prompt(message: LiveMessage): Promise<Prompt | null> {
    let prompt: Prompt | null = null;
    await this.#try(async () => (prompt = await this.#client.prompt(message.id)));
    return prompt;
  }

  /** What each step of sampling, as it is set now, makes of the token after `prompt`. */
  async nextToken(prompt: Prompt, top: number): Promise<readonly Stage[] | null> {
    let stages: readonly Stage[] | null = null;
    await this.#try(async () => (stages = await this.#client.nextToken(prompt, top, this.sampling.choice?.values ?? {})));
    return stages;
  }

  #take(whole: Conversation): void {
    this.title = whole.title;
    this.sampling.take(whole.sampling);
    this.messages.replace(whole);
    this.status = "open";
  }

  async #regenerate(message: LiveMessage): Promise<void> {
    if (!(await this.sampling.settle())) return;
    await this.#try(async () => {
      const { answer } = await this.#client.regenerate(message.id);
      this.messages.meet(answer);
      this.messages.current = answer.id;
    });
  }

  /** Asks once the answer will be drawn as was chosen. */
  async #ask(ask: () => Promise<Asked>): Promise<boolean> {
    if (!(await this.sampling.settle())) return false;
    return this.#try(async () => {
      const { message, answer } = await ask();
      this.messages.meet(message);
      this.messages.meet(answer);
      this.messages.current = answer.id;
    });
  }

  #down(why: ApiError | null): void {
    if (why?.status !== 404) return;
    this.status = "missing";
    this.#connection.close();
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
