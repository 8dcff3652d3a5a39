/**
 * Write icons.css: one class per icon named in icons.txt, each a mask in the colour of the text.
 *
 *     node src/styles/icons.mjs
 *
 * A mask costs a page no bytes beyond a class name, needs no script and no further request, and is there at once in
 * parts of a page that arrive later. Entities, menus and actions of a configuration may name any of these icons.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const icons = join(here, "../../node_modules/@tabler/icons/icons");
const names = [...new Set(readFileSync(join(here, "../icons.txt"), "utf8").split(/\s+/).filter(Boolean))].sort();
const lines = [];
const missing = [];

for (const name of names) {
  const filled = name.endsWith("-filled");
  const file = filled ? join(icons, "filled", `${name.slice(0, -7)}.svg`) : join(icons, "outline", `${name}.svg`);
  if (!existsSync(file)) {
    missing.push(name);
    continue;
  }
  const shapes = readFileSync(file, "utf8")
    .replace(/<!--[^]*?-->/g, "")
    .replace(/^[^]*?<svg[^>]*>/, "")
    .replace("</svg>", "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
    .replace(/\s+/g, " ")
    .replace(/ \/>/g, "/>")
    .trim();
  const paint = filled ? "" : " fill='none' stroke='%23000' stroke-width='1.75' stroke-linecap='round' stroke-linejoin='round'";
  const data = shapes.replace(/"/g, "'").replace(/#/g, "%23").replace(/</g, "%3C").replace(/>/g, "%3E");
  lines.push(`.i-${name}{--i:url("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'${paint}%3E${data}%3C/svg%3E")}`);
}
writeFileSync(join(here, "icons.css"), `/*! Icons of Tabler Icons 3.51.0 (MIT, https://tabler.io/icons); written by icons.mjs from icons.txt. */\n${lines.join("\n")}\n`);
console.log(`${lines.length} icons${missing.length ? `; not there: ${missing.join(" ")}` : ""}`);
