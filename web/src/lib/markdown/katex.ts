/** KaTeX and its fonts, as one piece to be fetched when the first formula is met. */

import "katex/dist/katex.min.css";

export { default } from "katex";
