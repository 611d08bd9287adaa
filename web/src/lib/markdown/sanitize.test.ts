import { beforeAll, expect, test, vi } from "vitest";
import { Renderer } from "./renderer.svelte.ts";

const renderer = new Renderer(() => "Copy");

/** What a text becomes on the page, code blocks left out: those are shown as plain text nodes. */
function page(text: string): HTMLElement {
  const root = document.createElement("div");
  const blocks = renderer.grow().update(text, true);
  root.innerHTML = blocks.map((block) => (block.kind === "text" ? renderer.html(block) : "")).join("");
  return root;
}

const ATTACKS = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<math><mtext></p><style><img src=x onerror=alert(1)>",
  "<form action=javascript:alert(1)><button>x</button></form>",
  "<a href='javascript:alert(1)'>x</a>",
  "<details open ontoggle=alert(1)>",
  "<body onload=alert(1)>",
  "<style>@import 'https://evil.example/x.css'</style>",
  "<link rel=stylesheet href=https://evil.example/x.css>",
  "<base href=https://evil.example/>",
  "<meta http-equiv=refresh content='0;url=https://evil.example'>",
  "<object data=javascript:alert(1)></object>",
  "<embed src=javascript:alert(1)>",
  "<input autofocus onfocus=alert(1)>",
  "<video><source onerror=alert(1)></video>",
  "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](java\nscript:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](vbscript:msgbox(1))",
  "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
  "[x](file:///etc/passwd)",
  "[x](//evil.example)",
  "[x](/samovar/models/unload)",
  "<javascript:alert(1)>",
  "![x](javascript:alert(1))",
  "![x](https://evil.example/pixel.png)",
  '![x](https://evil.example/pixel.png "onerror=alert(1)")',
  '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
  "[x]: javascript:alert(1)\n\n[x]",
  "- <img src=x onerror=alert(1)>",
  "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
  "> <script>alert(1)</script>",
  "# <img src=x onerror=alert(1)>",
  '- ```"><img src=x onerror=alert(1)>\n  x\n  ```',
  "- ```js\n  </code></pre><script>alert(1)</script>\n  ```",
  "$\\href{javascript:alert(1)}{x}$",
  "$\\includegraphics{https://evil.example/x.png}$",
  "$\\htmlData{onclick=alert(1)}{x}$",
  "$$\n</span><img src=x onerror=alert(1)>\n$$",
  '<span data-math="0"></span>',
  "`<img src=x onerror=alert(1)>`",
];

const HARMLESS = new Set(
  "a blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr li ol p pre s span strong table tbody td th thead tr ul".split(
    " ",
  ),
);

/** KaTeX draws with MathML and inline styles; it must draw nothing that acts. */
const ACTS = /^(a|audio|base|embed|form|iframe|img|input|link|meta|object|script|style|use|video)$/;

beforeAll(async () => {
  await vi.waitUntil(() => page("$x$").querySelector(".katex"));
});

test.each(ATTACKS)("a model cannot reach the page with %j", (attack) => {
  for (const element of page(attack).querySelectorAll("*")) {
    const formula = element.closest(".katex") !== null;
    if (formula) expect(element.localName).not.toMatch(ACTS);
    else expect(HARMLESS, element.outerHTML).toContain(element.localName);
    for (const { name, value } of element.attributes) {
      expect(name, element.outerHTML).not.toMatch(/^on|^src|^id$|^name$/);
      if (!formula) expect(name, element.outerHTML).not.toBe("style");
      if (name === "href") expect(value).toMatch(/^(https?|mailto):/);
    }
  }
});

test("what looks like HTML is shown as it was written", () => {
  expect(page("a <b>bold</b> word").textContent?.trim()).toBe("a <b>bold</b> word");
});

test("an image becomes a link: nothing is fetched from where a model says", () => {
  const root = page("![a cat](https://pictures.example/cat.png)");
  expect(root.querySelector("img")).toBeNull();
  expect(root.querySelector("a")?.textContent).toBe("a cat");
});

test("links open elsewhere and tell that place nothing", () => {
  const link = page("see https://example.org/page").querySelector("a");
  expect(link?.getAttribute("href")).toBe("https://example.org/page");
  expect(link?.getAttribute("rel")).toContain("noopener");
  expect(link?.getAttribute("target")).toBe("_blank");
});

test("tables keep their alignment without inline styles", () => {
  const root = page("| a | b |\n|:-:|--:|\n| 1 | 2 |");
  expect([...root.querySelectorAll("td")].map((cell) => cell.className)).toEqual(["center", "right"]);
});
