/**
 * Ctrl K: one box for records, screens and actions. Screens and actions are read from the page and answer at once;
 * records come from body[data-palette-url]?q=…, as {"groups": [{"label", "items": [{"label", "detail", "href", "icon"}]}]}.
 */
import { icon, isShown, json, make, on, text } from "./dom";
import { openDialog } from "./dialog";

interface Item { label: string; detail?: string; href?: string; icon?: string; press?: () => void }
interface Group { label: string; items: Item[] }

const WAIT_MS = 120;
let answers: Group[] = [];
let running: AbortController | undefined;
let timer = 0;

const box = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#palette");
const input = (): HTMLInputElement | null => document.querySelector<HTMLInputElement>("#palette-input");
const results = (): HTMLElement | null => document.querySelector<HTMLElement>("#palette-results");

function local(query: string): Group[] {
  const wanted = query.toLowerCase();
  const fits = (label: string): boolean => label.toLowerCase().includes(wanted);
  const iconOf = (element: Element): string => /\bi-([a-z0-9-]+)/.exec(element.querySelector(".icon")?.className ?? "")?.[1] ?? "point";
  const links = (selector: string): Item[] =>
    [...document.querySelectorAll<HTMLAnchorElement>(selector)]
      .map((link) => ({ label: link.querySelector("span")?.textContent?.trim() ?? "", href: link.href, icon: iconOf(link) }))
      .filter((item) => item.label && fits(item.label));
  const actions = [...document.querySelectorAll<HTMLElement>("#main .actions > .btn:not([aria-disabled])")]
    .filter(isShown)
    .map((button) => ({ label: (button.getAttribute("aria-label") ?? button.textContent ?? "").trim(), icon: iconOf(button), press: () => button.click() }))
    .filter((item) => item.label && fits(item.label));
  return [
    { label: text("actions"), items: query ? actions : actions.slice(0, 4) },
    { label: text("create"), items: links("#create-menu a").map((item) => ({ ...item, detail: text("new") })) },
    { label: text("pages"), items: links(".side-group a").slice(0, query ? 12 : 6) },
  ];
}

function select(item: Element | null | undefined): void {
  const list = results();
  if (!list || !item) return;
  for (const each of list.querySelectorAll("[aria-selected=true]")) each.setAttribute("aria-selected", "false");
  item.setAttribute("aria-selected", "true");
  item.scrollIntoView({ block: "nearest" });
  input()?.setAttribute("aria-activedescendant", item.id);
}

function line(item: Item, index: number): HTMLElement {
  const element = make("a", "palette-item", [icon(item.icon ?? "point"), make("span", "palette-title", item.label)]);
  if (item.href && /^(\/(?!\/)|https?:)/.test(item.href)) element.href = item.href;
  if (item.detail) element.append(make("span", "palette-detail", item.detail));
  element.id = `palette-${index}`;
  element.setAttribute("role", "option");
  element.setAttribute("aria-selected", "false");
  element.tabIndex = -1;
  element.addEventListener("click", () => {
    box()?.close();
    item.press?.();
  });
  return element;
}

function show(waiting: boolean): void {
  const list = results();
  const query = input()?.value.trim() ?? "";
  if (!list) return;
  const mine = local(query);
  const groups = (query ? [...answers, ...mine] : [...mine.slice(0, 2), ...answers, ...mine.slice(2)]).filter((group) => group.items.length > 0);
  list.replaceChildren();
  let count = 0;
  for (const group of groups) {
    const part = make("div", "", [make("div", "palette-group", group.label), ...group.items.map((item) => line(item, count++))]);
    part.setAttribute("role", "group");
    part.setAttribute("aria-label", group.label);
    list.append(part);
  }
  if (count === 0) list.append(make("p", "palette-none", waiting ? text("searching") : text("no_results")));
  select(list.querySelector("[role=option]"));
  if (window.htmx) window.htmx.process(list);
}

async function search(): Promise<void> {
  const url = document.body.dataset["paletteUrl"];
  const query = input()?.value.trim() ?? "";
  running?.abort();
  if (!url) return show(false);
  running = new AbortController();
  const { signal } = running;
  try {
    const answer = await fetch(`${url}?q=${encodeURIComponent(query)}`, { headers: { Accept: "application/json" }, signal });
    answers = answer.ok ? (json<{ groups: Group[] }>(await answer.text())?.groups ?? []) : [];
  } catch (error) {
    if (signal.aborted) return;
    answers = [];
    if (!(error instanceof TypeError)) throw error;
  }
  show(false);
}

export function openPalette(): void {
  const dialog = box();
  const field = input();
  if (!dialog || !field || dialog.open) return;
  field.value = "";
  answers = [];
  openDialog(dialog);
  field.focus();
  show(true);
  void search();
}

export function startPalette(): void {
  on("click", "[data-palette-open]", openPalette);
  on("input", "#palette-input", () => {
    // Answers to an earlier question must not be opened by an Enter that comes before the new ones.
    const query = (input()?.value ?? "").trim().toLowerCase();
    answers = answers.map((group) => ({ ...group, items: group.items.filter((item) => item.label.toLowerCase().includes(query)) }));
    show(true);
    clearTimeout(timer);
    timer = window.setTimeout(() => void search(), WAIT_MS);
  });
  on("keydown", "#palette-input", (event) => {
    const items = [...(results()?.querySelectorAll<HTMLElement>("[role=option]") ?? [])];
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      select(items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]);
    } else if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      items[at]?.click();
    }
  });
}
