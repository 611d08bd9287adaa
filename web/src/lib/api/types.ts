/** The values of the page's API, as docs/page-api.md names them. Times are Unix seconds; ids are strings. */

export type Role = "system" | "user" | "assistant" | "tool";
export type MessageState = "done" | "streaming" | "stopped" | "interrupted" | "failed";

/** What an answer says over and over: the end of it, a long stretch of it, or an earlier answer. */
export interface Loop {
  kind: "cycle" | "repeat" | "echo";
  times: number;
  text: string;
}

export interface Stats {
  prompt_tokens: number;
  cached_tokens: number;
  completion_tokens: number;
  first_token_ms: number;
  tokens_per_second: number;
  /** Tokens verified ahead, and how many of them were right. */
  guessed: number;
  came_true: number;
  loop: Loop | null;
}

export interface Message {
  id: string;
  parent: string | null;
  role: Role;
  content: string;
  /** What the model thought before it said `content`. */
  thoughts: string;
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
  sampling: Sampling | null;
}

/** What the model sees of the path that is shown: `dropped` messages before `first` have left its window. */
export interface InWindow {
  first: string | null;
  dropped: number;
}

/** The whole tree; `current` is the leaf that is shown. `window` null: nothing is known of it yet. */
export interface Conversation extends Head {
  window: InWindow | null;
  messages: Message[];
}

/** What a model is loaded with; null: chosen by the server. */
export interface Context {
  ctx: number | null;
  alpha: number | null;
  cache: { keys: string; values: string };
}

/** `context`: the one that was chosen for the model, null where it has that of the settings. */
export interface ModelState {
  name: string | null;
  state: "none" | "loading" | "ready" | "failed";
  progress: number;
  error: string | null;
  notes: string[];
  context: Context | null;
}

export interface InstalledModel {
  name: string;
  size: number;
  quant: string;
  architecture: string;
  /** False: it reads texts, for embeddings, and does not write. */
  writes: boolean;
}

export interface CurvePoint {
  context: number;
  alpha: number;
}

/**
 * A model's context at `window` tokens. `suggested` reaches it; `alpha` is what is applied, 1 for none. `cache`: bytes
 * by type of keys and values, together and each, the most exact first. `chosen`: what is kept for the model.
 */
export interface Outlook {
  trained: number;
  window: number;
  base: number;
  alpha: number;
  suggested: { alpha: number; base: number };
  notes: string[];
  curve: CurvePoint[];
  cache: { type: string; size: number; keys: number; values: number }[];
  chosen: Context | null;
  default: Context;
}

export interface ServerState {
  version: string;
  model: ModelState;
  models: InstalledModel[];
}

/** The library compiled for the server's processor; `gain`: how many times faster it read a prompt. */
export interface BuildState {
  state: "impossible" | "available" | "building" | "ready" | "failed";
  step: string | null;
  progress: number;
  obstacle: string | null;
  error: string | null;
  gain: number | null;
}

export interface Prompt {
  parts: { text: string; special: boolean }[];
  tokens: number;
}

/** A token with its bytes: half a character has no text of its own. */
export interface Likely {
  id: number;
  text: string;
  bytes: number[];
  probability: number;
}

/** What one step of sampling left: `survivors` tokens, the likeliest of them in `top`. The first is the model. */
export interface Stage {
  step: string;
  survivors: number;
  top: Likely[];
}

/** What one model has of its own beside its context; null: nothing about that. */
export interface Own {
  threads: number | null;
  library: "auto" | "ik" | "mainline" | null;
  template: string | null;
  preset: string | null;
}

export interface Template {
  name: string;
  template: string;
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

/** Numbers by token id; false bans the token. */
export type Biases = Record<string, number | false>;
export type Value = number | boolean | readonly string[] | readonly number[] | Biases;
export type Values = Readonly<Record<string, Value>>;

/** One knob of one sampling step; at its neutral value it does nothing. A step whose switches are neutral is off. */
export interface Parameter {
  name: string;
  kind: "float" | "int" | "bool" | "texts" | "tokens" | "bias";
  neutral: Value;
  default: Value;
  minimum: number;
  maximum: number;
  step: string;
  switch: boolean;
  help: string;
}

export interface Declared {
  parameters: Parameter[];
  steps: { name: string; group: string }[];
}

/** What a conversation's answers are drawn with; `preset` tells where the values came from. */
export interface Sampling {
  values: Values;
  order: readonly string[];
  preset: string | null;
}

/** A line of the list of presets; `problem` says why a file cannot be used. */
export interface ListedPreset {
  name: string;
  title: string;
  about: string;
  builtin: boolean;
  problem: string | null;
}

/** `values`: what it names; `complete`: what it sets, every step that it does not name being off. */
export interface Preset extends ListedPreset {
  values: Values;
  order: readonly string[];
  complete: Values;
}

/** Whether keys are asked for, and the name of the one that this page has signed in with. */
export interface Session {
  asked: boolean;
  name: string | null;
}

export type KeyScope = "infer" | "manage" | "admin";

/** Without its secret: `prefix` is how that begins. Times are Unix seconds. */
export interface Key {
  id: string;
  name: string;
  prefix: string;
  scope: KeyScope;
  created: number;
  used: number | null;
  revoked: number | null;
}

export interface Asked {
  message: Message;
  answer: Message;
}
