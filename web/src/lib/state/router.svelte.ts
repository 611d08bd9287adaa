/** Owns the address: `/` is a new conversation, `/c/{id}` an existing one. */

export const pathOf = (conversation: string | null) => (conversation ? `/c/${encodeURIComponent(conversation)}` : "/");

const conversationIn = (path: string) => {
  const found = /^\/c\/([^/]+)$/.exec(path)?.[1];
  return found ? decodeURIComponent(found) : null;
};

export class Router {
  conversation = $state<string | null>(conversationIn(location.pathname));

  constructor() {
    window.addEventListener("popstate", () => (this.conversation = conversationIn(location.pathname)));
  }

  go(conversation: string | null): void {
    if (conversation !== this.conversation) history.pushState(null, "", pathOf(conversation));
    this.conversation = conversation;
  }
}
