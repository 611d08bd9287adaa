/** What the server tells over its connection, beside replies to requests: a reply may arrive after newer news. */

export class News<T> {
  #take: (state: T) => void;
  #heard = 0;

  constructor(take: (state: T) => void) {
    this.#take = take;
  }

  /** What came over the connection. */
  hear(state: T): void {
    this.#heard += 1;
    this.#take(state);
  }

  /** Takes the state of a reply, unless the connection told one since the request was made. */
  async reply<R>(asked: Promise<R>, stateOf: (reply: R) => T): Promise<R> {
    const heard = this.#heard;
    const reply = await asked;
    if (heard === this.#heard) this.#take(stateOf(reply));
    return reply;
  }
}
