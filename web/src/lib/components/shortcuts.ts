/** Keys of the page: one table that the help shows and the page obeys. Those without `run` belong to their field. */

import type { App } from "../state/app.svelte.ts";
import type { Words } from "../words/words.ts";

export interface Shortcut {
  readonly name: keyof Words["keys"];
  readonly keys: readonly string[];
  /** Works while a text field has the focus, too. */
  readonly always?: boolean;
  readonly matches?: (event: KeyboardEvent) => boolean;
  readonly run?: (app: App, event: KeyboardEvent) => void;
}

const command = (event: KeyboardEvent) => (event.ctrlKey || event.metaKey) && !event.altKey;
const bare = (event: KeyboardEvent) => !event.ctrlKey && !event.metaKey && !event.altKey;

export const SHORTCUTS: readonly Shortcut[] = [
  { name: "send", keys: ["Enter"] },
  { name: "newLine", keys: ["Shift + Enter"] },
  {
    name: "stop",
    keys: ["Esc"],
    always: true,
    matches: (event) => event.key === "Escape" && bare(event),
    run: (app) => {
      if (app.view.drawer) app.view.drawer = false;
      else if (app.chat?.messages.streaming) void app.chat.stop();
    },
  },
  {
    name: "newChat",
    keys: ["Ctrl + Shift + O"],
    always: true,
    matches: (event) => event.code === "KeyO" && event.shiftKey && command(event),
    run: (app) => app.open(null),
  },
  {
    name: "search",
    keys: ["/", "Ctrl + K"],
    always: true,
    matches: (event) => (event.code === "KeyK" && command(event)) || (event.key === "/" && bare(event) && !typing(event)),
    run: (app) => app.search(),
  },
  {
    name: "versions",
    keys: ["←", "→"],
    matches: (event) => (event.key === "ArrowLeft" || event.key === "ArrowRight") && bare(event) && !event.shiftKey,
    run: (app, event) => app.turn(within(event), event.key === "ArrowLeft" ? -1 : 1),
  },
  { name: "editLast", keys: ["↑"] },
  {
    name: "help",
    keys: ["?"],
    matches: (event) => event.key === "?" && bare(event),
    run: (app) => (app.view.help = true),
  },
];

/** Does what the key stands for; true when it stood for something. */
export function obey(app: App, event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return false;
  const shortcut = SHORTCUTS.find(({ always, matches }) => (always || !typing(event)) && matches?.(event));
  shortcut?.run?.(app, event);
  return shortcut !== undefined;
}

function typing({ target }: KeyboardEvent): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/** Id of the message that has the focus. */
function within({ target }: KeyboardEvent): string | null {
  return (target instanceof Element && target.closest<HTMLElement>("[data-id]")?.dataset.id) || null;
}
