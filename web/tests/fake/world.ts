/** The state of the scripted server: conversations in memory, answers written at a steady rate. Knows no HTTP. */

import type { BuildState, Context, Conversation, Message, ModelState, Own, Role } from "../../src/lib/api/types.ts";
import { answerTo, LONG, tokensOf } from "./texts.ts";

export type Listener = (event: string, data: unknown) => void;

const UNBUILT: BuildState = { state: "available", step: null, progress: 0, obstacle: null, error: null, gain: null };
const now = () => Date.now() / 1000;
const length = (text: string) => [...text].length;

export class World {
  conversations = new Map<string, Conversation & { deleted?: boolean }>();
  model: ModelState = { name: "SmolLM2-135M-Instruct.Q4_1", state: "ready", progress: 1, error: null, notes: [], context: null };
  models = [
    { name: "SmolLM2-135M-Instruct.Q4_1", size: 98_000_000, quant: "Q4_1", architecture: "llama", writes: true },
    { name: "gemma-3-270m-it.Q4_K_M", size: 253_000_000, quant: "Q4_K_M", architecture: "gemma3", writes: true },
  ];
  build = UNBUILT;
  /** What models have of their own, by name. */
  own = new Map<string, Own>();
  #rate: number;
  #last = 0;
  #listeners = new Map<string, Set<Listener>>();
  #writing = new Map<string, () => void>();

  /** `rate` in tokens per second. */
  constructor(rate: number) {
    this.#rate = rate;
  }

  listen(channel: string, listener: Listener): () => void {
    const all = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, all.add(listener));
    return () => all.delete(listener);
  }

  say(channel: string, event: string, data: unknown): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(event, data);
  }

  create(title = ""): Conversation {
    const id = `c${++this.#last}`;
    const made: Conversation = { id, title, created: now(), updated: now(), current: null, sampling: null, window: null, messages: [] };
    this.conversations.set(id, made);
    this.say("server", "conversations", {});
    return made;
  }

  /** A conversation of `count` messages that was had before. */
  remember(title: string, count: number, updated = now()): Conversation {
    const made = this.create(title);
    for (let i = 0; i < count; i++) {
      const role = i % 2 ? "assistant" : "user";
      const content = role === "user" ? `Question ${i / 2 + 1}: how is tea made?` : LONG;
      this.add(made, made.current, role, content);
    }
    made.updated = updated;
    return made;
  }

  add(conversation: Conversation, parent: string | null, role: Role, content: string): Message {
    const isAnswer = role === "assistant";
    const message: Message = {
      id: `m${++this.#last}`,
      parent,
      role,
      content,
      thoughts: "",
      state: "done",
      created: now() + this.#last / 1e6,
      model: isAnswer ? this.model.name : null,
      error: null,
      stats: isAnswer && content ? statsOf(content, 1) : null,
    };
    conversation.messages.push(message);
    conversation.current = message.id;
    conversation.updated = now();
    return message;
  }

  answer(conversation: Conversation, parent: Message): Message {
    const answer = this.add(conversation, parent.id, "assistant", "");
    const fails = /fail/i.test(parent.content);
    this.write(conversation, answer, answerTo(parent.content), fails ? "failed" : "done");
    return answer;
  }

  /** Streams `text` to the end of `message`, one delta a token. */
  write(conversation: Conversation, message: Message, text: string, end: "done" | "failed" = "done"): void {
    message.state = "streaming";
    message.stats = null;
    message.error = null;
    this.say(conversation.id, "message", message);
    this.say(conversation.id, "current", { current: message.id });
    const tokens = tokensOf(text);
    const started = performance.now() + 150;
    let sent = 0;
    let offset = length(message.content);
    const timer = setInterval(() => {
      const due = Math.floor(((performance.now() - started) / 1000) * this.#rate);
      for (; sent < Math.min(due, tokens.length); sent++) {
        const piece = tokens[sent]!;
        message.content += piece;
        this.say(conversation.id, "delta", { id: message.id, text: piece, offset });
        offset += length(piece);
      }
      if (sent >= tokens.length) finish(end);
    }, 1000 / this.#rate);
    const finish = (state: "done" | "failed" | "stopped") => {
      clearInterval(timer);
      this.#writing.delete(conversation.id);
      message.state = state;
      message.error = state === "failed" ? "The model's process ended (signal 11). It starts again with the next message." : null;
      message.stats = statsOf(message.content, this.#rate);
      this.say(conversation.id, "message", message);
      if (!conversation.title) this.retitle(conversation, "Tea from a samovar");
    };
    this.#writing.set(conversation.id, () => finish("stopped"));
    this.say(conversation.id, "progress", { id: message.id, done: 96, total: 240, cached: 32 });
  }

  stop(id: string): void {
    this.#writing.get(id)?.();
  }

  retitle(conversation: Conversation, title: string): void {
    conversation.title = title;
    this.say(conversation.id, "title", { title });
    this.say("server", "conversations", {});
  }

  keep(name: string, own: Own): Own {
    this.own.set(name, own);
    return own;
  }

  load(name: string | null, context: Context | null = null): ModelState {
    this.model = { name, state: name ? "loading" : "none", progress: 0, error: null, notes: [], context };
    const step = () => {
      if (this.model.state !== "loading" || this.model.name !== name) return;
      const progress = Math.min(1, this.model.progress + 0.1);
      this.model = { ...this.model, progress, state: progress < 1 ? "loading" : "ready" };
      this.say("server", "model", this.model);
      setTimeout(step, 100);
    };
    this.say("server", "model", this.model);
    if (name) setTimeout(step, 100);
    return this.model;
  }

  /** Compiles the library for as long as it takes to look at it, or stops that. */
  compile(wanted: boolean): BuildState {
    const step = () => {
      if (this.build.state !== "building") return;
      const progress = this.build.progress + 0.1;
      const done = progress >= 0.99;
      this.tell(done ? { ...UNBUILT, state: "ready", gain: 1.6 } : { ...this.build, step: "Compiling", progress });
      setTimeout(step, 200);
    };
    this.tell(wanted ? { ...UNBUILT, state: "building", step: "Fetching the tools" } : UNBUILT);
    if (wanted) setTimeout(step, 200);
    return this.build;
  }

  tell(build: BuildState): void {
    this.build = build;
    this.say("server", "build", build);
  }

  message(id: string): [Conversation, Message] | null {
    for (const conversation of this.conversations.values()) {
      const message = conversation.messages.find((one) => one.id === id);
      if (message) return [conversation, message];
    }
    return null;
  }
}

const statsOf = (text: string, rate: number) => ({
  prompt_tokens: 240,
  cached_tokens: 208,
  completion_tokens: tokensOf(text).length,
  first_token_ms: 150,
  tokens_per_second: rate > 1 ? rate : 63.4,
  guessed: 0,
  came_true: 0,
  loop: null,
});
