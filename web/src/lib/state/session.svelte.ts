/** Owns whether this page may be used: whether the server asks for a key, and who is signed in. */

import { ApiError } from "../api/http.ts";
import type { Client } from "../api/client.ts";
import type { Session as Told } from "../api/types.ts";

export class Session {
  /** Null until the server has told. */
  told = $state.raw<Told | null>(null);
  /** Why signing in did not work: a sentence. */
  refusal = $state<string | null>(null);
  busy = $state(false);

  /** Whether a key has to be shown before anything else. */
  readonly locked = $derived.by(() => this.told !== null && this.told.asked && this.told.name === null);

  #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  /** Asks again; what cannot be asked now stays as it was. */
  async look(): Promise<void> {
    try {
      this.told = await this.#client.session();
    } catch {
      // A server that does not answer is told of elsewhere.
      this.told ??= { asked: false, name: null };
    }
  }

  async signIn(key: string): Promise<void> {
    this.busy = true;
    this.refusal = null;
    try {
      this.told = await this.#client.signIn(key);
    } catch (error) {
      this.refusal = error instanceof ApiError ? error.message : String(error);
    }
    this.busy = false;
  }

  async signOut(): Promise<void> {
    await this.#client.signOut();
    await this.look();
  }

  /** The server has refused a request for want of a key: the session has ended, or another page made the first key. */
  lost = (): void => {
    if (!this.locked) void this.look();
  };
}
