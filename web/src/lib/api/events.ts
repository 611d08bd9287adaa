/**
 * Server-sent events that stay: reconnects after any failure, and lets the connection go while the page is hidden,
 * because a browser grants one origin six connections over all its tabs and each visible tab holds two.
 * The server's first event after each connect is the whole state, so nothing has to be remembered here.
 */

import type { Conversation, Delta, Message, ModelState, PromptProgress } from "./types.ts";

export interface ServerEvents {
  model: ModelState;
  conversations: Record<string, never>;
}

export interface ConversationEvents {
  conversation: Conversation;
  message: Message;
  delta: Delta;
  progress: PromptProgress;
  current: { current: string | null };
  title: { title: string };
}

export type Handlers<E> = { [K in keyof E]: (data: E[K]) => void };

export interface Connection {
  /** Drops the connection and asks for the whole state again. */
  renew(): void;
  close(): void;
}

export interface Watch {
  onOpen?: () => void;
  /** The connection is down; it will be tried again. `refused`: the server answered, but not with a stream. */
  onDown?: (refused: boolean) => void;
}

const RETRY_MS = [500, 1000, 2000, 5000];
const HIDDEN_GRACE_MS = 5000;

export const serverEvents = (handlers: Handlers<ServerEvents>, watch: Watch = {}): Connection =>
  connect("/samovar/events", handlers, watch);

export const conversationEvents = (id: string, handlers: Handlers<ConversationEvents>, watch: Watch = {}): Connection =>
  connect(`/samovar/conversations/${encodeURIComponent(id)}/events`, handlers, watch);

function connect<E>(path: string, handlers: Handlers<E>, watch: Watch): Connection {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  function open(): void {
    clearTimeout(timer);
    source?.close();
    const mine = (source = new EventSource(path));
    mine.onopen = () => {
      failures = 0;
      watch.onOpen?.();
    };
    mine.onerror = () => {
      watch.onDown?.(mine.readyState === EventSource.CLOSED);
      mine.close();
      timer = setTimeout(open, RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]);
    };
    for (const name of Object.keys(handlers) as (keyof E & string)[]) {
      mine.addEventListener(name, (event) => handlers[name](JSON.parse((event as MessageEvent<string>).data)));
    }
  }

  function letGo(): void {
    source?.close();
    source = null;
  }

  function onVisibility(): void {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(letGo, HIDDEN_GRACE_MS);
    else if (source === null || source.readyState === EventSource.CLOSED) open();
  }

  document.addEventListener("visibilitychange", onVisibility);
  open();
  return {
    renew: open,
    close() {
      document.removeEventListener("visibilitychange", onVisibility);
      clearTimeout(timer);
      letGo();
    },
  };
}
