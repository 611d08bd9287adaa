/** The places of a curve of alpha over context in a drawing. Pure; in units of the drawing, y from the top. */

import type { CurvePoint } from "../api/types.ts";

export const WIDTH = 320;
export const HEIGHT = 150;
/** Room for the numbers: at the left and below. */
export const LEFT = 30;
export const BELOW = 20;
const TOP = 8;
const RIGHT = 20;

export interface Scale {
  x: (context: number) => number;
  y: (alpha: number) => number;
  /** Multiples of the trained context that have a place, from 1. */
  multiples: readonly number[];
  /** Alphas that are written at the left, from 1. */
  alphas: readonly number[];
}

export function scaleOf(curve: readonly CurvePoint[], trained: number): Scale {
  const reach = curve.at(-1)?.context ?? trained;
  const most = Math.max(2, ...curve.map(({ alpha }) => alpha));
  const step = most > 10 ? Math.ceil(most / 4) : 2;
  return {
    x: (context) => LEFT + ((WIDTH - LEFT - RIGHT) * (context - trained)) / Math.max(1, reach - trained),
    y: (alpha) => HEIGHT - BELOW - ((HEIGHT - BELOW - TOP) * (alpha - 1)) / (most - 1),
    multiples: Array.from({ length: Math.round(reach / trained) }, (_, i) => i + 1),
    alphas: [1, ...Array.from({ length: Math.floor(most / step) }, (_, i) => (i + 1) * step)],
  };
}

/** The path through all points. */
export const pathOf = (curve: readonly CurvePoint[], { x, y }: Scale): string =>
  curve.map(({ context, alpha }, i) => `${i ? "L" : "M"}${x(context).toFixed(1)} ${y(alpha).toFixed(1)}`).join("");
