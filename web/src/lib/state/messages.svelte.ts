/**
 * Owns the tree of messages of one conversation and what server events do to it. Knows no network.
 *
 * A message is an object of its own with reactive fields, so that a token redraws one message and nothing else.
 * Deltas are gathered and shown once per animation frame.
 */

import type { Conversation, Delta, InWindow, Loop, Message, MessageState, PromptProgress, Role, Stats } from "../api/types.ts";
import { childrenOf, newestLeaf, pathTo, versionsOf, type Versions } from "../tree/tree.ts";
import { characters, news } from "./delta.ts";

/** A text that grows by deltas, which are gathered until they are shown. */
class LiveText {
  text = $state("");

  /** Characters of `text` and `#unseen` together: where the next delta has to begin. */
  #known = 0;
  #unseen = "";

  take(text: string, growing: boolean): void {
    this.text = text;
    this.#unseen = "";
    if (growing) this.#known = characters(text);
  }

  /** False when text between what is known and the delta is missing. */
  append(delta: Delta): boolean {
    const text = news(this.#known, delta);
    if (text === null) return false;
    this.#unseen += text;
    this.#known += characters(text);
    return true;
  }

  /** Whether there was anything to show. */
  reveal(): boolean {
    if (!this.#unseen) return false;
    this.text += this.#unseen;
    this.#unseen = "";
    return true;
  }
}

export class LiveMessage {
  readonly id: string;
  readonly parent: string | null;
  readonly role: Role;
  readonly created: number;
  state = $state<MessageState>("done");
  model = $state<string | null>(null);
  error = $state<string | null>(null);
  stats = $state.raw<Stats | null>(null);
  progress = $state.raw<PromptProgress | null>(null);
  loop = $state.raw<Loop | null>(null);

  #said = new LiveText();
  #thought = new LiveText();

  constructor(message: Message) {
    this.id = message.id;
    this.parent = message.parent;
    this.role = message.role;
    this.created = message.created;
    this.take(message);
  }

  get content(): string {
    return this.#said.text;
  }

  get thoughts(): string {
    return this.#thought.text;
  }

  take(message: Message): void {
    const growing = message.state === "streaming";
    this.loop = loopOf(this, message);
    this.#said.take(message.content, growing);
    this.#thought.take(message.thoughts, growing);
    this.state = message.state;
    this.model = message.model;
    this.error = message.error;
    this.stats = message.stats;
    if (!growing) this.progress = null;
  }

  /** False when text between what is known and the delta is missing. */
  append(delta: Delta): boolean {
    return this.#said.append(delta);
  }

  /** As `append`, of what is thought. */
  think(delta: Delta): boolean {
    return this.#thought.append(delta);
  }

  reveal(): void {
    const shown = [this.#said.reveal(), this.#thought.reveal()];
    if (shown.includes(true)) this.progress = null;
  }
}

/** A loop is told of once, while the answer is written, and stands in the stats of the run that made it. */
function loopOf(known: LiveMessage, message: Message): Loop | null {
  if (message.stats) return message.stats.loop;
  return known.state === "streaming" && message.state === "streaming" ? known.loop : null;
}

export class Messages {
  current = $state<string | null>(null);
  /** What the model sees of the path, as far as that is known. */
  window = $state.raw<InWindow | null>(null);
  #nodes = $state.raw<ReadonlyMap<string, LiveMessage>>(new Map());
  readonly #children = $derived(childrenOf(this.#nodes));
  /** What is shown, root first. */
  readonly path = $derived(pathTo(this.#nodes, this.current));
  readonly last = $derived(this.path.at(-1));
  readonly streaming = $derived(this.path.find((message) => message.state === "streaming"));

  #waiting = new Set<LiveMessage>();
  #frame = 0;

  replace(conversation: Conversation): void {
    const nodes = new Map<string, LiveMessage>();
    for (const message of conversation.messages) {
      const known = this.#nodes.get(message.id);
      known?.take(message);
      nodes.set(message.id, known ?? new LiveMessage(message));
    }
    this.#nodes = nodes;
    this.current = conversation.current;
    this.window = conversation.window;
  }

  /** A message as the server now has it. */
  take(message: Message): void {
    const known = this.#nodes.get(message.id);
    if (known) known.take(message);
    else this.#nodes = new Map(this.#nodes).set(message.id, new LiveMessage(message));
  }

  /** A message from a reply, which may be older than what events have brought since: only what is new counts. */
  meet(message: Message): void {
    if (!this.#nodes.has(message.id)) this.take(message);
  }

  /** False when something was missed and the whole has to be asked for. */
  append(delta: Delta): boolean {
    const message = this.#nodes.get(delta.id);
    return message !== undefined && message.append(delta) && this.#await(message);
  }

  /** As `append`, of what is thought. */
  think(delta: Delta): boolean {
    const message = this.#nodes.get(delta.id);
    return message !== undefined && message.think(delta) && this.#await(message);
  }

  progress(progress: PromptProgress): void {
    const message = this.#nodes.get(progress.id);
    if (message) message.progress = progress;
  }

  loop({ id, ...loop }: Loop & { id: string }): void {
    const message = this.#nodes.get(id);
    if (message) message.loop = loop;
  }

  versions(message: LiveMessage): Versions {
    return versionsOf(this.#children, message);
  }

  /** The leaf to show when the version `step` places from this one is turned to; null at either end. */
  leafOfVersion(message: LiveMessage, step: number): string | null {
    const { ids, index } = this.versions(message);
    const id = ids[index + step];
    return id === undefined ? null : newestLeaf(this.#children, id);
  }

  /** Shows with the next frame what the message has by then. */
  #await(message: LiveMessage): true {
    this.#waiting.add(message);
    this.#frame ||= requestAnimationFrame(() => this.#reveal());
    return true;
  }

  #reveal(): void {
    this.#frame = 0;
    for (const message of this.#waiting) message.reveal();
    this.#waiting.clear();
  }
}
