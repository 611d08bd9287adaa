import { expect, test } from "vitest";
import { childrenOf, newestLeaf, pathTo, versionsOf } from "./tree.ts";

const node = (id: string, parent: string | null, created: number) => ({ id, parent, created });
const nodes = new Map(
  [
    node("hello", null, 1),
    node("first", "hello", 2),
    node("second", "hello", 3),
    node("thanks", "first", 4),
    node("welcome", "thanks", 5),
    node("edited", null, 6),
  ].map((n) => [n.id, n]),
);
const children = childrenOf(nodes);
const ids = (list: { id: string }[]) => list.map((n) => n.id);

test("the path runs from the root to the leaf", () => {
  expect(ids(pathTo(nodes, "welcome"))).toEqual(["hello", "first", "thanks", "welcome"]);
});

test("no leaf, or one that is unknown, has no path", () => {
  expect(pathTo(nodes, null)).toEqual([]);
  expect(pathTo(nodes, "nobody")).toEqual([]);
});

test("a path through a damaged tree ends instead of running in circles", () => {
  const circle = new Map([node("a", "b", 1), node("b", "a", 2)].map((n) => [n.id, n]));
  expect(ids(pathTo(circle, "a"))).toEqual(["b", "a"]);
});

test("versions are the siblings in the order they were made", () => {
  expect(versionsOf(children, nodes.get("second")!)).toEqual({ ids: ["first", "second"], index: 1 });
  expect(versionsOf(children, nodes.get("welcome")!)).toEqual({ ids: ["welcome"], index: 0 });
});

test("a first message that was edited is a version too", () => {
  expect(versionsOf(children, nodes.get("hello")!).ids).toEqual(["hello", "edited"]);
});

test("turning to a version shows the leaf that was last worked on under it", () => {
  expect(newestLeaf(children, "first")).toBe("welcome");
  expect(newestLeaf(children, "second")).toBe("second");
  expect(newestLeaf(children, "hello")).toBe("second");
});
