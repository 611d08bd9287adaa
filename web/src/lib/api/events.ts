/**
 * Server-sent events that stay: connects again after any failure, and lets the connection go while the page is
 * hidden, because a browser grants one origin six connections over all its tabs and each visible tab holds two.
 * The server's first event after each connect is the whole state, so nothing has to be remembered here.
 *
 * Over fetch rather than EventSource, which can neither ask for a language nor tell why it was refused.
 */

import { ApiError, type Http } from "./http.ts";
import { FrameReader } from "./sse.ts";
import type { BuildState, Conversation, Delta, InWindow, Loop, Message, ModelState, PromptProgress, Sampling } from "./types.ts";

export interface ServerEvents {
  model: ModelState;
  conversations: Record<string, never>;
  build: BuildState;
}

export interface ConversationEvents {
  conversation: Conversation;
  message: Message;
  delta: Delta;
  /** Of thoughts. */
  thought: Delta;
  progress: PromptProgress;
  current: { current: string | null };
  title: { title: string };
  window: InWindow;
  sampling: { sampling: Sampling | null };
  loop: Loop & { id: string };
}

export type Handlers<E> = { [K in keyof E]: (data: E[K]) => void };

export interface Watch {
  onOpen?: () => void;
  /** The connection is down; it will be tried again unless it is closed now. */
  onDown?: (why: ApiError | null) => void;
}

const RETRY_MS = [500, 1000, 2000, 5000];
const HIDDEN_GRACE_MS = 5000;

export class Connection<E> {
  #http: Http;
  #path: string;
  #handlers: Handlers<E>;
  #watch: Watch;
  #open: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(http: Http, path: string, handlers: Handlers<E>, watch: Watch = {}) {
    this.#http = http;
    this.#path = path;
    this.#handlers = handlers;
    this.#watch = watch;
    document.addEventListener("visibilitychange", this.#onVisibility);
    this.renew();
  }

  /** Drops the connection, if there is one, and asks for the whole state anew. */
  renew(): void {
    this.#letGo();
    this.#open = new AbortController();
    void this.#run(this.#open);
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#letGo();
  }

  #letGo(): void {
    clearTimeout(this.#timer);
    this.#open?.abort();
    this.#open = null;
  }

  async #run(mine: AbortController): Promise<void> {
    let why: ApiError | null = null;
    try {
      await this.#read(mine);
    } catch (error) {
      why = error instanceof ApiError ? error : null;
    }
    if (this.#open !== mine) return;
    this.#letGo();
    const wait = RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)];
    // A hidden page connects when it is looked at.
    if (!document.hidden) this.#timer = setTimeout(() => this.renew(), wait);
    this.#watch.onDown?.(why);
  }

  async #read(mine: AbortController): Promise<void> {
    const frames = new FrameReader();
    let told = false;
    for await (const piece of this.#http.stream(this.#path, mine.signal)) {
      if (this.#open !== mine) return;
      this.#failures = 0;
      if (!told) this.#watch.onOpen?.();
      told = true;
      for (const { event, data } of frames.push(piece)) this.#tell(event, data);
    }
  }

  #tell(event: string, data: string): void {
    if (!Object.hasOwn(this.#handlers, event)) return;
    const name = event as keyof E;
    this.#handlers[name](JSON.parse(data) as E[typeof name]);
  }

  #onVisibility = (): void => {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#letGo(), HIDDEN_GRACE_MS);
    else if (this.#open === null) this.renew();
  };
}
