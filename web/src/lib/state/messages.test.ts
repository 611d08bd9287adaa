import { beforeEach, expect, test, vi } from "vitest";
import type { Message } from "../api/types.ts";
import { Messages } from "./messages.svelte.ts";

const frames: (() => void)[] = [];
const paint = () => frames.splice(0).forEach((frame) => frame());

beforeEach(() => {
  frames.length = 0;
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
});

const message = (id: string, parent: string | null, content: string, rest: Partial<Message> = {}): Message => ({
  id,
  parent,
  role: parent === null ? "user" : "assistant",
  content,
  thoughts: "",
  state: "done",
  created: Number(id.slice(1)),
  model: null,
  error: null,
  stats: null,
  ...rest,
});

function talk(...messages: Message[]): Messages {
  const all = new Messages();
  const current = messages.at(-1)?.id ?? null;
  all.replace({ id: "c", title: "", created: 0, updated: 0, current, sampling: null, window: null, messages });
  return all;
}

const writing = (content: string) => talk(message("m1", null, "hi"), message("m2", "m1", content, { state: "streaming" }));

test("deltas are shown once per frame, in order", () => {
  const all = writing("");
  all.append({ id: "m2", text: "чай", offset: 0 });
  all.append({ id: "m2", text: " 🫖", offset: 3 });
  all.append({ id: "m2", text: "!", offset: 5 });
  expect(all.last?.content).toBe("");
  expect(frames).toHaveLength(1);
  paint();
  expect(all.last?.content).toBe("чай 🫖!");
});

test("what is known already is not shown twice", () => {
  const all = writing("чай 🫖");
  expect(all.append({ id: "m2", text: "🫖!", offset: 4 })).toBe(true);
  paint();
  expect(all.last?.content).toBe("чай 🫖!");
});

test("thoughts grow beside what is said, each by its own law", () => {
  const all = writing("");
  all.think({ id: "m2", text: "Хм 🫖", offset: 0 });
  all.think({ id: "m2", text: "🫖, so", offset: 3 });
  all.append({ id: "m2", text: "Tea", offset: 0 });
  expect(frames).toHaveLength(1);
  paint();
  expect([all.last?.thoughts, all.last?.content]).toEqual(["Хм 🫖, so", "Tea"]);
  expect(all.think({ id: "m2", text: "x", offset: 99 })).toBe(false);
  all.take(message("m2", "m1", "Tea.", { thoughts: "Хм." }));
  expect([all.last?.thoughts, all.last?.content]).toEqual(["Хм.", "Tea."]);
});

test("a gap, or a message that nobody told of, asks for the whole", () => {
  const all = writing("one");
  expect(all.append({ id: "m2", text: "x", offset: 7 })).toBe(false);
  expect(all.append({ id: "m9", text: "x", offset: 0 })).toBe(false);
});

test("a whole message replaces what was on its way to the screen", () => {
  const all = writing("");
  all.append({ id: "m2", text: "half", offset: 0 });
  all.take(message("m2", "m1", "half and whole"));
  paint();
  expect(all.last?.content).toBe("half and whole");
  expect(all.streaming).toBeUndefined();
});

test("a reply that comes after newer events changes nothing", () => {
  const all = writing("much has been written");
  all.meet(message("m2", "m1", "", { state: "streaming" }));
  expect(all.last?.content).toBe("much has been written");
});

test("the whole conversation again keeps the objects that are on the screen", () => {
  const all = writing("one");
  const before = all.path;
  all.replace({
    id: "c",
    title: "",
    created: 0,
    updated: 0,
    current: "m2",
    sampling: null,
    window: { first: "m2", dropped: 1 },
    messages: [message("m1", null, "hi"), message("m2", "m1", "one two")],
  });
  expect(all.path[1]).toBe(before[1]);
  expect(all.path[1]?.content).toBe("one two");
  expect(all.window).toEqual({ first: "m2", dropped: 1 });
});

test("versions turn to the leaf that was last worked on", () => {
  const all = talk(
    message("m1", null, "hi"),
    message("m2", "m1", "first"),
    message("m3", "m2", "more", { role: "user" }),
    message("m4", "m1", "second"),
  );
  expect(all.versions(all.last!)).toEqual({ ids: ["m2", "m4"], index: 1 });
  expect(all.leafOfVersion(all.last!, -1)).toBe("m3");
  expect(all.leafOfVersion(all.last!, 1)).toBeNull();
});

const STATS = {
  prompt_tokens: 1,
  cached_tokens: 0,
  completion_tokens: 9,
  first_token_ms: 1,
  tokens_per_second: 9,
  guessed: 0,
  came_true: 0,
};
const ROUND = { kind: "cycle", times: 4, text: "tea and" } as const;

test("a loop is known while it is written, afterwards, and no longer when the answer goes on", () => {
  const all = writing("tea and tea and");
  all.loop({ id: "m2", ...ROUND });
  expect(all.last?.loop).toEqual(ROUND);
  all.take(message("m2", "m1", "tea and tea and tea", { state: "streaming" }));
  expect(all.last?.loop).toEqual(ROUND);
  all.take(message("m2", "m1", "tea and tea and tea", { stats: { ...STATS, loop: { ...ROUND, times: 9 } } }));
  expect(all.last?.loop?.times).toBe(9);
  all.take(message("m2", "m1", "tea and tea and tea", { state: "streaming" }));
  expect(all.last?.loop).toBeNull();
});
