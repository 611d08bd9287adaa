import { beforeEach, expect, test, vi } from "vitest";

import { Ahead } from "./ahead.ts";

const tell = vi.fn((_parent: string | null, _content: string): Promise<unknown> => Promise.resolve());
let ahead: Ahead;

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockClear();
  ahead = new Ahead(tell, true);
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
  void ahead.forget();
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

test("where the server does not know what comes before the field, that alone is told of", () => {
  ahead = new Ahead(tell, false);
  ahead.typed(null, "");
  pause();
  ahead.typed("Be brief.", "");
  pause();
  ahead.typed("Be brief.", "tea");
  pause();
  expect(tell.mock.calls).toEqual([
    ["Be brief.", ""],
    ["Be brief.", "tea"],
  ]);
});

test("what is being told is heard before anything else is asked", async () => {
  let heard = (): void => {};
  tell.mockReturnValueOnce(new Promise<void>((resolve) => (heard = resolve)));
  ahead.typed("m1", "tea");
  pause();
  let over = false;
  const forgotten = ahead.forget().then(() => (over = true));
  await vi.advanceTimersByTimeAsync(0);
  expect(over).toBe(false);
  heard();
  await forgotten;
  expect(over).toBe(true);
});
