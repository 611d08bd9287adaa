/**
 * Styles inside HTML. The page's policy lets no style attribute through, wherever it comes from; formulas are placed
 * by such. They travel under another name and are set by script, which the policy allows: only the page's own has any.
 */

const HELD = "data-style";

/** KaTeX's HTML with its styles under the other name. It writes quotes inside of texts as entities. */
export const hold = (html: string): string => html.replaceAll(' style="', ` ${HELD}="`);

/** Puts on what `hold` took away, everywhere under `root`. */
export function dress(root: HTMLElement): void {
  for (const element of root.querySelectorAll<HTMLElement | SVGElement>(`[${HELD}]`)) {
    element.style.cssText = element.getAttribute(HELD)!;
    element.removeAttribute(HELD);
  }
}
