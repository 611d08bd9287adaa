/** The second wall: whatever the Markdown renderer let through, only these elements and attributes reach the page. */

import DOMPurify from "dompurify";

const TAGS =
  "a blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul";
/** Attributes that hold no address. */
const PLAIN = "class data-copy data-math rel start target title type".split(" ");

const CONFIG = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: [...PLAIN, "href"],
  ADD_URI_SAFE_ATTR: PLAIN,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

export const sanitize = (html: string): string => DOMPurify.sanitize(html, CONFIG);
