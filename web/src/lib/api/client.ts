/** The routes of the page's API, one function each. */

import { Connection, type ConversationEvents, type Handlers, type ServerEvents, type Watch } from "./events.ts";
import type { Http } from "./http.ts";
import type {
  Asked,
  BuildState,
  Context,
  Conversation,
  Declared,
  Head,
  Key,
  KeyScope,
  ListedPreset,
  Message,
  ModelState,
  Outlook,
  Own,
  Preset,
  Prompt,
  Sampling,
  ServerState,
  Session,
  Stage,
  Summary,
  Template,
  Values,
} from "./types.ts";

export type Client = ReturnType<typeof createClient>;

/** `http` speaks to the page's API, `v1` to the one that other programs use: it can look inside the model. */
export function createClient(http: Http, v1: Http) {
  const conversation = (id: string) => `/conversations/${encodeURIComponent(id)}`;
  const message = (id: string) => `/messages/${encodeURIComponent(id)}`;
  const model = (name: string) => `/models/${encodeURIComponent(name)}`;
  const preset = (name: string) => `/presets/${encodeURIComponent(name)}`;
  return {
    watch: (handlers: Handlers<ServerEvents>, watch?: Watch) => new Connection(http, "/events", handlers, watch),
    watchConversation: (id: string, handlers: Handlers<ConversationEvents>, watch?: Watch) =>
      new Connection(http, `${conversation(id)}/events`, handlers, watch),

    session: () => http.call<Session>("GET", "/session"),
    signIn: (key: string) => http.call<Session>("POST", "/session", { key }),
    signOut: () => http.call<void>("DELETE", "/session"),
    keys: () => http.call<Key[]>("GET", "/keys"),
    addKey: (name: string, scope: KeyScope) => http.call<{ key: Key; secret: string }>("POST", "/keys", { name, scope }),
    revokeKey: (id: string) => http.call<Key>("DELETE", `/keys/${encodeURIComponent(id)}`),

    state: () => http.call<ServerState>("GET", "/state"),
    load: (name: string, choice: Context | { default: true } | null = null) =>
      http.call<ModelState>("POST", "/models/load", { name, ...choice }),
    unload: () => http.call<ModelState>("POST", "/models/unload"),
    startBuild: () => http.call<BuildState>("POST", "/build"),
    stopBuild: () => http.call<BuildState>("DELETE", "/build"),
    outlook: (name: string, window: number | null, alpha: number | null) => {
      const asked = new URLSearchParams({ ...(window && { ctx: `${window}` }), ...(alpha !== null && { alpha: `${alpha}` }) });
      return http.call<Outlook>("GET", `${model(name)}/context?${asked}`);
    },

    own: (name: string) => http.call<Own>("GET", `${model(name)}/settings`),
    setOwn: (name: string, own: Own) => http.call<Own>("PUT", `${model(name)}/settings`, own),
    /** The chat template in the model's file, and those that come along. */
    template: (name: string) => http.call<{ template: string | null }>("GET", `${model(name)}/template`),
    templates: () => http.call<Template[]>("GET", "/models/templates"),

    list: (query: string) =>
      http.call<Summary[]>("GET", `/conversations${query ? `?query=${encodeURIComponent(query)}` : ""}`),
    create: (system: string) => http.call<Conversation>("POST", "/conversations", system ? { system } : {}),
    rename: (id: string, title: string) => http.call<Head>("PATCH", conversation(id), { title }),
    show: (id: string, current: string) => http.call<Head>("PATCH", conversation(id), { current }),
    draw: (id: string, sampling: Partial<Sampling> | null) => http.call<Head>("PATCH", conversation(id), { sampling }),
    remove: (id: string) => http.call<void>("DELETE", conversation(id)),
    restore: (id: string) => http.call<void>("POST", `${conversation(id)}/restore`),
    stop: (id: string) => http.call<void>("POST", `${conversation(id)}/stop`),
    send: (id: string, parent: string | null, content: string) =>
      http.call<Asked>("POST", `${conversation(id)}/messages`, { parent, content }),

    /** What is being typed: the model may read it before it is sent. */
    draft: (id: string, parent: string | null, content: string) =>
      http.call<void>("POST", `${conversation(id)}/draft`, { parent, content }),
    /** The same for a conversation that is not there yet. Both empty: nothing is being typed any more. */
    draftFirst: (system: string, content: string) => http.call<void>("POST", "/conversations/draft", { system, content }),
    regenerate: (id: string) => http.call<{ answer: Message }>("POST", `${message(id)}/regenerate`),
    goOn: (id: string) => http.call<{ answer: Message }>("POST", `${message(id)}/continue`),
    edit: (id: string, content: string) => http.call<Message>("PATCH", message(id), { content }),
    fork: (id: string, content: string) => http.call<Asked>("POST", `${message(id)}/fork`, { content }),
    branch: (id: string) => http.call<Conversation>("POST", `${message(id)}/branch`),
    prompt: (id: string) => http.call<Prompt>("GET", `${message(id)}/prompt`),

    /** What each step makes of the token that follows `prompt`. */
    nextToken: async (prompt: Prompt, top: number, values: Values) => {
      const body = { prompt: await asSent(v1, prompt), top, ...values };
      return (await v1.call<{ stages: Stage[] }>("POST", "/next_token", body)).stages;
    },

    sampling: () => http.call<Declared>("GET", "/sampling"),
    presets: () => http.call<ListedPreset[]>("GET", "/presets"),
    preset: (name: string) => http.call<Preset>("GET", preset(name)),
    savePreset: (name: string, body: { values: Values; order: readonly string[]; about?: string }) =>
      http.call<Preset>("PUT", preset(name), body),
    removePreset: (name: string) => http.call<void>("DELETE", preset(name)),
    importPreset: (file: File) =>
      http.upload<{ preset: Preset; ignored: string[] }>(`/presets/import?filename=${encodeURIComponent(file.name)}`, file),
  };
}

/** As ids where some of it looks like control tokens and was not: as text it would become them. */
async function asSent(v1: Http, { parts }: Prompt): Promise<string | number[]> {
  if (parts.every(({ special }) => special)) return parts.map(({ text }) => text).join("");
  const cut = parts.map((part) => v1.call<{ tokens: number[] }>("POST", "/tokenize", part));
  return (await Promise.all(cut)).flatMap(({ tokens }) => tokens);
}
