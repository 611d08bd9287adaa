import { beforeEach, expect, test, vi } from "vitest";

import { Ahead } from "./ahead.ts";

const tell = vi.fn((_parent: string | null, _content: string): Promise<unknown> => Promise.resolve());
let ahead: Ahead;

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockClear();
  ahead = new Ahead(tell);
});

const pause = () => vi.advanceTimersByTime(300);

test("the server is told once typing pauses", () => {
  for (const text of ["t", "te", "tea"]) {
    ahead.typed("m1", text);
    vi.advanceTimersByTime(100);
  }
  expect(tell).not.toHaveBeenCalled();
  pause();
  expect(tell.mock.calls).toEqual([["m1", "tea"]]);
});

test("nothing is told twice, and nothing where nothing was typed", () => {
  ahead.typed("m1", "");
  pause();
  ahead.typed("m1", "tea");
  pause();
  ahead.typed("m1", "tea");
  pause();
  expect(tell.mock.calls).toEqual([["m1", "tea"]]);
});

test("the same text in another place is another prompt", () => {
  ahead.typed("m1", "tea");
  pause();
  ahead.typed("m2", "tea");
  pause();
  expect(tell.mock.calls).toEqual([
    ["m1", "tea"],
    ["m2", "tea"],
  ]);
});

test("a text that was taken back is told of", () => {
  ahead.typed("m1", "tea");
  pause();
  ahead.typed("m1", "");
  pause();
  expect(tell.mock.lastCall).toEqual(["m1", ""]);
});

test("what is sent is not told of any more, nor that the field is empty after it", () => {
  ahead.typed("m1", "tea");
  pause();
  ahead.typed("m1", "tea!");
  ahead.forget();
  ahead.typed("m3", "");
  pause();
  expect(tell.mock.calls).toEqual([["m1", "tea"]]);
});

test("a server that refuses is asked again for the next text", async () => {
  tell.mockRejectedValueOnce(new Error("gone"));
  ahead.typed("m1", "tea");
  await vi.advanceTimersByTimeAsync(300);
  ahead.typed("m1", "teas");
  await vi.advanceTimersByTimeAsync(300);
  expect(tell).toHaveBeenCalledTimes(2);
});
