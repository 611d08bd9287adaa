/**
 * Owns telling the server what is being typed, once typing pauses, so that it is read before it is sent. Never in the
 * way: what goes wrong here is nobody's concern.
 */

/** `before`: the message or the instruction that `content` would follow. */
export type Tell = (before: string | null, content: string) => Promise<unknown>;

const PAUSE_MS = 300;

export class Ahead {
  #tell: Tell;
  #knowsBefore: boolean;
  #told = { before: null as string | null, content: "" };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<unknown> = Promise.resolve();

  /** `knowsBefore`: whether the server knows by itself what comes before the field. */
  constructor(tell: Tell, knowsBefore: boolean) {
    this.#tell = tell;
    this.#knowsBefore = knowsBefore;
  }

  /** `content` is in the field and would be sent after `before`. */
  typed(before: string | null, content: string): void {
    clearTimeout(this.#timer);
    const told = this.#told;
    // What the server reads by itself with an empty field is no news.
    if (content === told.content && (before === told.before || (this.#knowsBefore && content === ""))) return;
    this.#timer = setTimeout(() => {
      this.#told = { before, content };
      this.#telling = this.#tell(before, content).catch(() => {});
    }, PAUSE_MS);
  }

  /** What was typed is being sent, or will not be. Resolves when the server will hear no more of it. */
  async forget(): Promise<void> {
    clearTimeout(this.#timer);
    this.#told = { before: null, content: "" };
    await this.#telling;
  }
}
