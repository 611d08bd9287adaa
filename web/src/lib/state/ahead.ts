/**
 * Owns telling the server what is being typed, once typing pauses, so that it is read before it is sent. Never in the
 * way: what goes wrong here is nobody's concern.
 */

export type Tell = (parent: string | null, content: string) => Promise<unknown>;

const PAUSE_MS = 300;

export class Ahead {
  #tell: Tell;
  #told = { parent: null as string | null, content: "" };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** `content` is in the field and would be sent under `parent`. */
  typed(parent: string | null, content: string): void {
    clearTimeout(this.#timer);
    const told = this.#told;
    // An empty field is news only where another text was told of: the server knows the rest of the prompt by itself.
    if (content === told.content && (parent === told.parent || content === "")) return;
    this.#timer = setTimeout(() => {
      this.#told = { parent, content };
      this.#tell(parent, content).catch(() => {});
    }, PAUSE_MS);
  }

  /** What was typed is being sent, or will not be. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#told = { parent: null, content: "" };
  }
}
