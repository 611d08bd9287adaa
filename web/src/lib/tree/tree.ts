/** A conversation is a tree of messages. Pure functions over it; what lies on screen is the path to one leaf. */

export interface Node {
  readonly id: string;
  readonly parent: string | null;
  readonly created: number;
}

export type Nodes<N extends Node = Node> = ReadonlyMap<string, N>;

/** Root first, `leaf` last. Unknown or null: empty. A parent that is missing ends the path there. */
export function pathTo<N extends Node>(nodes: Nodes<N>, leaf: string | null): N[] {
  const path: N[] = [];
  const seen = new Set<string>();
  for (let id = leaf; id !== null && !seen.has(id); ) {
    const node = nodes.get(id);
    if (!node) break;
    seen.add(id);
    path.push(node);
    id = node.parent;
  }
  return path.reverse();
}

/** Children by parent, each list in the order of creation; roots are under null. */
export function childrenOf<N extends Node>(nodes: Nodes<N>): Map<string | null, N[]> {
  const children = new Map<string | null, N[]>();
  for (const node of nodes.values()) {
    const list = children.get(node.parent);
    if (list) list.push(node);
    else children.set(node.parent, [node]);
  }
  for (const list of children.values()) list.sort((a, b) => a.created - b.created);
  return children;
}

export interface Versions {
  /** Ids of all versions in the order of creation, the given one among them. */
  readonly ids: readonly string[];
  readonly index: number;
}

/** The siblings of a message, itself included. */
export function versionsOf<N extends Node>(children: ReadonlyMap<string | null, N[]>, node: Node): Versions {
  const ids = (children.get(node.parent) ?? []).map((n) => n.id);
  return { ids, index: ids.indexOf(node.id) };
}

/** The leaf that is reached from `id` by always taking the newest child: what was last worked on there. */
export function newestLeaf<N extends Node>(children: ReadonlyMap<string | null, N[]>, id: string): string {
  let leaf = id;
  for (let next = children.get(leaf)?.at(-1); next; next = children.get(leaf)?.at(-1)) leaf = next.id;
  return leaf;
}
