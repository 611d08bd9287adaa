/** Owns what was typed and not yet sent, by place ("new", a conversation's or a message's id), across reloads. */

import { recall, remember } from "./storage.ts";

const PREFIX = "samovar.draft.";

export class Drafts {
  read(place: string): string {
    return recall(PREFIX + place) ?? "";
  }

  keep(place: string, text: string): void {
    remember(PREFIX + place, text || null);
  }

  drop(place: string): void {
    remember(PREFIX + place, null);
  }
}
