/** Server-sent events out of a stream of text. Knows the format of frames, not what they say. */

export interface Frame {
  readonly event: string;
  readonly data: string;
}

/** Cuts text that arrives in pieces into frames, wherever the pieces end. Comments and other fields are skipped. */
export class FrameReader {
  #rest = "";

  push(piece: string): Frame[] {
    const frames = (this.#rest + piece).split("\n\n");
    this.#rest = frames.pop()!;
    return frames.map(read).filter((frame) => frame !== null);
  }
}

function read(text: string): Frame | null {
  let event = "message";
  const data: string[] = [];
  for (const line of text.split("\n")) {
    const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length ? { event, data: data.join("\n") } : null;
}
