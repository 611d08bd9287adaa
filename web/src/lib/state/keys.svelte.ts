/** Owns the list of keys, and the secret of the one that was just made. */

import type { Client } from "../api/client.ts";
import type { Key, KeyScope } from "../api/types.ts";
import type { Session } from "./session.svelte.ts";
import type { Toasts } from "./toasts.svelte.ts";

export class Keys {
  /** Null until the server has told. */
  list = $state.raw<readonly Key[] | null>(null);
  /** Told once: gone when the dialog is closed. */
  made = $state.raw<{ name: string; secret: string } | null>(null);

  readonly active = $derived.by(() => this.list?.filter((key) => key.revoked === null) ?? []);

  #client: Client;
  #session: Session;
  #toasts: Toasts;

  constructor(client: Client, session: Session, toasts: Toasts) {
    this.#client = client;
    this.#session = session;
    this.#toasts = toasts;
  }

  look = (): Promise<boolean> => this.#try(async () => void (this.list = await this.#client.keys()));

  /** True when it was made. The first key makes the server ask for keys: this page stays signed in. */
  add(name: string, scope: KeyScope): Promise<boolean> {
    return this.#try(async () => {
      const { key, secret } = await this.#client.addKey(name, scope);
      this.made = { name: key.name, secret };
      this.list = [...(this.list ?? []), key];
      await this.#session.look();
    });
  }

  revoke(key: Key): Promise<boolean> {
    return this.#try(async () => {
      await this.#client.revokeKey(key.id);
      this.list = await this.#client.keys();
      await this.#session.look();
    });
  }

  async #try(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      this.#toasts.fail(error);
      return false;
    }
  }
}
