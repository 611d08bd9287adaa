/** Values that are lists, as a person types them: "\n", ":" for texts; 1, 2 for tokens; 50: -1.5, 7: false for biases. */

import type { Biases, Parameter, Value } from "../api/types.ts";

const BIASES = /^\s*(\d+\s*:\s*(false|[-+]?\d+(\.\d+)?)\s*(,\s*|$))*$/;
const BIAS = /(\d+)\s*:\s*(false|[-+]?[\d.]+)/g;

export function written(value: Value): string {
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(item)).join(", ");
  return Object.entries(value as Biases)
    .map(([token, bias]) => `${token}: ${bias}`)
    .join(", ");
}

/** Null for a text that is no such list. What it may hold beyond that is the server's to say. */
export function read(kind: Parameter["kind"], text: string): Value | null {
  if (kind === "bias") return BIASES.test(text) ? biases(text) : null;
  const items = array(text);
  const type = kind === "texts" ? "string" : "number";
  return items?.every((item) => typeof item === type) ? (items as Value) : null;
}

function biases(text: string): Biases {
  const pairs = [...text.matchAll(BIAS)];
  return Object.fromEntries(pairs.map(([, token, bias]) => [token!, bias === "false" ? false : Number(bias)]));
}

function array(text: string): unknown[] | null {
  try {
    return JSON.parse(`[${text}]`) as unknown[];
  } catch {
    return null;
  }
}
