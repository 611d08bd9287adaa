/** Owns what was typed and not yet sent, by place ("new", a conversation's or a message's id), across reloads. */

const PREFIX = "samovar.draft.";

export class Drafts {
  read(place: string): string {
    return localStorage.getItem(PREFIX + place) ?? "";
  }

  keep(place: string, text: string): void {
    if (text) localStorage.setItem(PREFIX + place, text);
    else localStorage.removeItem(PREFIX + place);
  }

  drop(place: string): void {
    localStorage.removeItem(PREFIX + place);
  }
}
