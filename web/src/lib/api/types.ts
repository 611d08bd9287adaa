/** The values of the page's API, as ARCHITECTURE.md names them. Times are Unix seconds; ids are strings. */

export type Role = "system" | "user" | "assistant" | "tool";
export type MessageState = "done" | "streaming" | "stopped" | "interrupted" | "failed";

export interface Stats {
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  first_token_ms: number;
  tokens_per_second: number;
}

export interface Message {
  id: string;
  parent: string | null;
  role: Role;
  content: string;
  state: MessageState;
  created: number;
  model: string | null;
  error: string | null;
  stats: Stats | null;
}

/** A conversation as the list shows it. */
export interface Summary {
  id: string;
  title: string;
  updated: number;
  snippet: string;
}

export interface Head {
  id: string;
  title: string;
  created: number;
  updated: number;
  current: string | null;
}

/** The whole tree; `current` is the leaf that is shown. */
export interface Conversation extends Head {
  messages: Message[];
}

export interface ModelState {
  name: string | null;
  state: "none" | "loading" | "ready" | "failed";
  progress: number;
  error: string | null;
  notes: string[];
}

export interface InstalledModel {
  name: string;
  size: number;
  quant: string;
  architecture: string;
}

export interface ServerState {
  version: string;
  model: ModelState;
  models: InstalledModel[];
}

export interface Prompt {
  parts: { text: string; special: boolean }[];
  tokens: number;
}

/** Text to append at `offset`, counted in Unicode characters (code points), not in UTF-16 units. */
export interface Delta {
  id: string;
  text: string;
  offset: number;
}

export interface PromptProgress {
  id: string;
  done: number;
  total: number;
  cached: number;
}

export interface Asked {
  message: Message;
  answer: Message;
}
