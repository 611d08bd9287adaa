/**
 * Markdown to tokens and tokens to HTML. HTML in the source is text; only web and mail addresses become links;
 * images become links to themselves, because a page that fetches what a model names would tell others what was read.
 */

import MarkdownItClass, { type Env, type MarkdownIt, type Token } from "markdown-it";
import { math } from "./math.ts";

/** What rendering needs from outside. */
export interface Helpers {
  /** HTML of a code text with its language marked up, or null to show it plain. */
  highlight(code: string, language: string): string | null;
  copyLabel(): string;
}

/** Formulas met while rendering, in order; their places in the HTML are `<span data-math="index"></span>`. */
export interface RenderEnv extends Env {
  formulas: { tex: string; display: boolean; open: boolean }[];
}

const ADDRESS = /^(?:https?:|mailto:)/i;

export function createParser(helpers: Helpers): MarkdownIt {
  const md = new MarkdownItClass({ html: false, linkify: true, breaks: true });
  md.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  md.validateLink = (url) => ADDRESS.test(url.trim());
  md.use(math);

  const { rules } = md.renderer;
  const { escapeHtml } = md.utils;

  rules.math = (tokens, index, _options, env) => {
    const { content, meta } = tokens[index]!;
    const formula = { tex: content, display: meta?.display === true, open: meta?.open === true };
    return `<span data-math="${(env as RenderEnv).formulas.push(formula) - 1}"></span>`;
  };
  rules.fence = rules.code_block = (tokens, index) => {
    const code = tokens[index]!.content;
    const language = languageOf(tokens[index]!);
    return (
      `<div class="code"><div class="code-head"><span>${escapeHtml(language)}</span>` +
      `<button type="button" data-copy>${escapeHtml(helpers.copyLabel())}</button></div>` +
      `<pre><code>${helpers.highlight(code, language) ?? escapeHtml(code)}</code></pre></div>`
    );
  };
  rules.image = (tokens, index) => {
    const { attrs, content } = tokens[index]!;
    const source = String(attrs?.find(([name]) => name === "src")?.[1] ?? "");
    return link(escapeHtml(source), escapeHtml(content || source));
  };
  rules.link_open = (tokens, index) => {
    const attribute = (name: string) => escapeHtml(String(tokens[index]!.attrs?.find(([key]) => key === name)?.[1] ?? ""));
    return link(attribute("href"), null, attribute("title"));
  };
  rules.table_open = () => '<div class="table"><table>';
  rules.table_close = () => "</table></div>";
  rules.th_open = (tokens, index) => cell("th", tokens[index]!);
  rules.td_open = (tokens, index) => cell("td", tokens[index]!);
  return md;
}

/** The first word of a fence's info string, such as "python"; "" when there is none. */
export const languageOf = (token: Token): string => token.info.trim().split(/[\s{,]/, 1)[0]!.toLowerCase();

function link(href: string, text: string | null, title = ""): string {
  const open = `<a href="${href}"${title && ` title="${title}"`} target="_blank" rel="noopener noreferrer nofollow">`;
  return text === null ? open : `${open}${text}</a>`;
}

function cell(tag: string, token: Token): string {
  const side = /text-align:(right|center)/.exec(String(token.attrs?.find(([name]) => name === "style")?.[1] ?? ""))?.[1];
  return side ? `<${tag} class="${side}">` : `<${tag}>`;
}
