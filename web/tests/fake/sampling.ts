/** A few parameters and presets for the scripted server, in the shape of the real ones. */

import type { Declared, Parameter, Preset, Sampling, Values } from "../../src/lib/api/types.ts";

const knob = (name: string, neutral: number, usual: number, maximum: number, help: string): Parameter => ({
  name,
  kind: name === "top_k" ? "int" : "float",
  neutral,
  default: usual,
  minimum: 0,
  maximum,
  step: name,
  switch: true,
  help,
});

export const DECLARED: Declared = {
  parameters: [
    knob("temperature", 1, 0.8, 5, "How freely tokens are drawn."),
    knob("top_k", 0, 40, 1_000_000, "Only this many of the likeliest tokens may be drawn. 0: no limit."),
    knob("dry_multiplier", 0, 0, 100, "How strongly going on with a repetition is discouraged. 0: off."),
  ],
  steps: [
    { name: "temperature", group: "shape" },
    { name: "top_k", group: "truncation" },
    { name: "dry_multiplier", group: "penalty" },
  ],
};

const preset = (name: string, title: string, about: string, complete: Values): Preset => ({
  name,
  title,
  about,
  builtin: true,
  problem: null,
  values: complete,
  order: [],
  complete,
});

export const PRESETS: readonly Preset[] = [
  preset("default", "Default", "What is used when nothing is set.", { temperature: 0.8, top_k: 40, dry_multiplier: 0 }),
  preset("wild", "Wild", "Livelier words.", { temperature: 1.3, top_k: 0, dry_multiplier: 0 }),
];

/** What a conversation is to keep of a choice. */
export function kept(wish: Partial<Sampling> | null): Sampling | null {
  return wish && { values: wish.values ?? {}, order: wish.order ?? [], preset: wish.preset ?? null };
}
