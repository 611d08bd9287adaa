/** Where a number stands on a slider. Wide ranges are drawn as logarithms, so that the small values have room. */

import type { Parameter } from "../api/types.ts";

export const POSITIONS = 1000;
const WIDE = 5;

const span = ({ minimum, maximum }: Parameter) => maximum - minimum;
const isWide = (parameter: Parameter) => span(parameter) > WIDE && parameter.minimum !== -parameter.maximum;

/** The place of `value`, 0 to POSITIONS. */
export function placeOf(parameter: Parameter, value: number): number {
  const above = Math.min(Math.max(value - parameter.minimum, 0), span(parameter));
  const share = isWide(parameter) ? Math.log1p(above) / Math.log1p(span(parameter)) : above / span(parameter);
  return Math.round(share * POSITIONS);
}

/** The value at `place`, as round as a hand can be. */
export function valueAt(parameter: Parameter, place: number): number {
  const share = place / POSITIONS;
  const above = isWide(parameter) ? Math.expm1(share * Math.log1p(span(parameter))) : share * span(parameter);
  const value = rounded(parameter.minimum + above, parameter.kind === "int");
  return Math.min(Math.max(value, parameter.minimum), parameter.maximum);
}

/** Hundredths near zero, two significant digits of large whole numbers. */
function rounded(value: number, whole: boolean): number {
  if (!whole) return Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1));
  return Math.abs(value) < 100 ? Math.round(value) : Number(value.toPrecision(2));
}
