import { expect, test } from "vitest";
import { FrameReader, type Frame } from "./sse.ts";

const STREAM = 'event: delta\ndata: {"text":"чай ☕"}\n\n: ping\n\ndata: a\ndata: b\n\nid: 7\nevent: x\ndata:\n\n';
const FRAMES: Frame[] = [
  { event: "delta", data: '{"text":"чай ☕"}' },
  { event: "message", data: "a\nb" },
  { event: "x", data: "" },
];

test("frames come out whole, however the stream is cut", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const reader = new FrameReader();
    const frames: Frame[] = [];
    for (let at = 0; at < STREAM.length; at += size) frames.push(...reader.push(STREAM.slice(at, at + size)));
    expect(frames).toEqual(FRAMES);
  }
});

test("a frame that was not finished is not told", () => {
  expect(new FrameReader().push('event: delta\ndata: {"te')).toEqual([]);
});
