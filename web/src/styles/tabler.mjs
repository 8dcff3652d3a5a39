/**
 * Write tabler.css: the part of Tabler that Fairlead's pages may use.
 *
 *     node src/styles/tabler.mjs
 *
 * A list of what is kept, and not of what the templates happen to use today: a class that is documented works
 * in every template, also in those that people write later. Themes, navigation bars and everything that needs
 * Tabler's scripts stay out; the kit has its own.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const source = createRequire(import.meta.url).resolve("@tabler/core/dist/css/tabler.css");

const SIZE = "(?:-(?:sm|md|lg|xl))?";
const KEPT = new RegExp(
  "^(?:" +
    [
      `container(?:-fluid|-xl|-tight|-narrow)?`, `row(?:-cols-.*|-cards|-deck)?`, `col${SIZE}(?:-auto|-\\d+)?`, `g[xy]?${SIZE}-\\d`,
      `d${SIZE}-(?:none|inline|inline-block|block|grid|flex|inline-flex)`, `d-print-.*`, `flex${SIZE}-(?:row|column|wrap|nowrap|fill|grow-[01]|shrink-[01])`,
      `justify-content${SIZE}-.*`, `align-items${SIZE}-.*`, `align-self-.*`, `gap-\\d`, `[mp][tbsexy]?${SIZE}-(?:\\d|auto)`,
      `[wh]-(?:25|50|75|100|auto)`, `text${SIZE}-(?:start|end|center)`, `text-(?:nowrap|wrap|break|truncate|secondary|muted|danger|success|warning|primary|body|reset|uppercase)`,
      `fw-.*`, `fs-\\d`, `font-monospace`, `lh-\\d`, `small`, `lead`, `rounded(?:-\\d|-circle|-pill)?`, `border(?:-top|-bottom|-start|-end)?(?:-0)?`,
      `overflow-(?:auto|hidden|visible)`, `position-(?:relative|absolute|static|sticky)`, `sticky-top`, `float-(?:start|end)`, `align-(?:middle|top|baseline)`,
      `table(?:-responsive|-sm|-hover|-striped|-vcenter|-nowrap|-borderless|-active)?`,
      `form-(?:label|hint|text|control(?:-sm|-plaintext)?|select(?:-sm)?|check(?:-label|-input|-inline)?|switch|fieldset|range)`, `col-form-label`,
      `input-group(?:-text|-flat)?`, `input-icon(?:-addon)?`, `(?:in)?valid-feedback`, `is-(?:in)?valid`,
      `btn(?:-primary|-secondary|-danger|-link|-sm|-icon|-list|-group|-ghost-.*|-outline-.*|-close|-action)?`,
      `card(?:-body|-header|-footer|-title|-subtitle|-table|-sm)?`, `alert(?:-info|-success|-warning|-danger|-title|-link)?`,
      `list-(?:unstyled|inline|inline-item)`, `list-group(?:-item|-flush|-item-action)?`, `nav(?:-item|-link|-tabs|-pills)?`, `tab-(?:content|pane)`,
      `pagination`, `page-(?:item|link)`, `dropdown-(?:item|divider|header)`, `progress(?:-bar|-sm)?`, `spinner-border(?:-sm)?`,
      `datagrid(?:-item|-title|-content)?`, `hr-text`, `subheader`, `active`, `disabled`, `show`, `fade`, `visually-hidden(?:-focusable)?`, `link-(?:secondary|muted|reset)`,
    ].join("|") +
    ")$",
);

/** Split a style sheet into its top-level rules; comments are left out. */
function rules(css) {
  const text = css.replace(/\/\*[^]*?\*\//g, "").replace(/@charset [^;]*;/, "");
  const found = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"' || character === "'") at = text.indexOf(character, at + 1);
    else if (character === "{") depth += 1;
    else if (character === "}" && (depth -= 1) === 0) {
      const rule = text.slice(start, at + 1).trim();
      const brace = rule.indexOf("{");
      found.push({ head: rule.slice(0, brace).trim(), body: rule.slice(brace + 1, -1).trim() });
      start = at + 1;
    }
  }
  return found;
}

/** The selectors of a list that speak only of classes we keep. */
function keptSelectors(head) {
  // Commas inside :not(…) and :is(…) belong to one selector.
  let depth = 0;
  const parts = [""];
  for (const character of head) {
    depth += character === "(" ? 1 : character === ")" ? -1 : 0;
    if (character === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts
    .map((selector) => selector.trim())
    .filter((selector) => !/theme-dark|\[dir|\.was-validated|sidebar|data-bs-|:root|^body$|^a(?::|$)/.test(selector))
    .filter((selector) => (selector.match(/\.-?[_a-zA-Z][\w-]*/g) ?? []).every((name) => KEPT.test(name.slice(1))));
}

function kept(list) {
  return list.flatMap(({ head, body }) => {
    if (/^@(media|supports|container)/.test(head)) {
      const inner = kept(rules(body));
      return inner.length > 0 ? [`${head} {\n${inner.join("\n")}\n}`] : [];
    }
    if (head.startsWith("@")) return [];
    const selectors = keptSelectors(head);
    return selectors.length > 0 ? [`${selectors.join(", ")} { ${body.replace(/\s*\n\s*/g, " ")} }`] : [];
  });
}

const all = rules(readFileSync(source, "utf8"));
const body = kept(all).join("\n");

// Of the few thousand custom properties only those that are read, and those that these read in turn.
const declared = new Map();
for (const { head, body: text } of all) {
  if (!/^:root/.test(head)) continue;
  for (const [, name, value] of text.matchAll(/(--[\w-]+):\s*([^;]+);/g)) if (!declared.has(name)) declared.set(name, value);
}
const needed = new Set();
const read = (text) => {
  for (const [, name] of text.matchAll(/var\((--[\w-]+)/g)) {
    if (needed.has(name) || !declared.has(name)) continue;
    needed.add(name);
    read(declared.get(name));
  }
};
read(body);
const properties = [...declared].filter(([name]) => needed.has(name)).map(([name, value]) => `${name}: ${value};`);

writeFileSync(
  join(here, "tabler.css"),
  `/*! The part of Tabler 1.6.1 (MIT, https://tabler.io) that the pages may use; written by tabler.mjs. */\n:root { ${properties.join(" ")} }\n${body}\n`,
);
console.log(`${properties.length} properties, ${body.length} characters of rules`);
