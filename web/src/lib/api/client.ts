/** The routes of the page's API, one function each. */

import type { Call } from "./http.ts";
import type { Asked, Conversation, Head, Message, ModelState, Prompt, ServerState, Summary } from "./types.ts";

export type Client = ReturnType<typeof createClient>;

export function createClient(call: Call) {
  const conversation = (id: string) => `/conversations/${encodeURIComponent(id)}`;
  const message = (id: string) => `/messages/${encodeURIComponent(id)}`;
  return {
    state: () => call<ServerState>("GET", "/state"),
    load: (name: string) => call<ModelState>("POST", "/models/load", { name }),
    unload: () => call<ModelState>("POST", "/models/unload"),

    list: (query: string) =>
      call<Summary[]>("GET", `/conversations${query ? `?query=${encodeURIComponent(query)}` : ""}`),
    create: (title?: string) => call<Conversation>("POST", "/conversations", title ? { title } : {}),
    read: (id: string) => call<Conversation>("GET", conversation(id)),
    rename: (id: string, title: string) => call<Head>("PATCH", conversation(id), { title }),
    show: (id: string, current: string) => call<Head>("PATCH", conversation(id), { current }),
    remove: (id: string) => call<void>("DELETE", conversation(id)),
    restore: (id: string) => call<void>("POST", `${conversation(id)}/restore`),
    stop: (id: string) => call<void>("POST", `${conversation(id)}/stop`),
    send: (id: string, parent: string | null, content: string) =>
      call<Asked>("POST", `${conversation(id)}/messages`, { parent, content }),

    regenerate: (id: string) => call<{ answer: Message }>("POST", `${message(id)}/regenerate`),
    goOn: (id: string) => call<{ answer: Message }>("POST", `${message(id)}/continue`),
    edit: (id: string, content: string) => call<Message>("PATCH", message(id), { content }),
    fork: (id: string, content: string) => call<Asked>("POST", `${message(id)}/fork`, { content }),
    branch: (id: string) => call<Conversation>("POST", `${message(id)}/branch`),
    prompt: (id: string) => call<Prompt>("GET", `${message(id)}/prompt`),
  };
}
