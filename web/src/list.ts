/**
 * Lists: arrows move, Enter opens, Space looks in beside the list, X picks; a click anywhere on a row opens it;
 * picked rows show the bar with what can be done to them; a swipe on the phone shows a row's main action.
 *
 * tr[data-row][data-href][data-peek][data-swipe] in [data-list]; input[data-pick]; [data-selection-bar];
 * td[data-edit="/url"] is edited in place after a double click or E.
 */
import htmx from "htmx.org";
import { each, isPhone, isTyping, on } from "./dom";

const rows = (list: Element): HTMLElement[] => [...list.querySelectorAll<HTMLElement>("[data-row]")];

function current(): HTMLElement | null {
  return document.querySelector<HTMLElement>("[data-row].is-current") ?? document.activeElement?.closest<HTMLElement>("[data-row]") ?? null;
}

function moveTo(row: HTMLElement | undefined): void {
  if (!row) return;
  for (const each of document.querySelectorAll(".is-current")) each.classList.remove("is-current");
  row.classList.add("is-current");
  row.querySelector<HTMLElement>(".row-link")?.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
  if (document.querySelector("#peek")?.childElementCount) peek(row);
}

const opened = (row: HTMLElement): void => {
  const link = row.querySelector<HTMLAnchorElement>(".row-link");
  if (link) link.click();
  else if (row.dataset["href"]) location.assign(row.dataset["href"]);
};

export function peek(row: HTMLElement): void {
  const url = row.dataset["peek"];
  if (url) void htmx.ajax("GET", url, { target: "#peek", swap: "innerHTML" });
}

function edit(cell: HTMLElement): void {
  const url = cell.dataset["edit"];
  if (!url || cell.classList.contains("is-editing")) return;
  const row = cell.closest<HTMLElement>("[data-row]");
  cell.classList.add("is-editing");
  void htmx.ajax("GET", url, { target: cell, swap: "innerHTML", source: row ?? cell } as never).then(() =>
    cell.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus(),
  );
}

function countPicked(scope: ParentNode): void {
  const picked = [...scope.querySelectorAll<HTMLInputElement>("[data-pick]")];
  const count = picked.filter((box) => box.checked).length;
  for (const box of picked) box.closest("[data-row]")?.classList.toggle("is-picked", box.checked);
  for (const list of scope.querySelectorAll("[data-list]")) list.classList.toggle("is-picking", count > 0);
  const all = scope.querySelector<HTMLInputElement>("[data-pick-all]");
  if (all) {
    all.checked = count > 0 && count === picked.length;
    all.indeterminate = count > 0 && count < picked.length;
  }
  const bar = scope.querySelector<HTMLElement>("[data-selection-bar]");
  const number = bar?.querySelector("[data-selection-count]");
  if (bar && number) {
    bar.hidden = count === 0;
    number.textContent = String(count);
  }
}

const scopeOf = (element: Element): ParentNode => element.closest("[data-selection]") ?? document;

function startPicking(): void {
  let last: HTMLInputElement | undefined;
  on("click", "[data-pick]", (event, element) => {
    const box = element as HTMLInputElement;
    const boxes = [...scopeOf(box).querySelectorAll<HTMLInputElement>("[data-pick]")];
    if ((event as MouseEvent).shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b) as [number, number];
      for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    }
    last = box;
    countPicked(scopeOf(box));
  });
  on("change", "[data-pick-all]", (_event, element) => {
    for (const box of scopeOf(element).querySelectorAll<HTMLInputElement>("[data-pick]")) box.checked = (element as HTMLInputElement).checked;
    countPicked(scopeOf(element));
  });
  on("click", "[data-selection-clear]", (_event, element) => {
    for (const box of scopeOf(element).querySelectorAll<HTMLInputElement>("[data-pick]")) box.checked = false;
    countPicked(scopeOf(element));
  });
  // A long press picks on the phone, where there is no room for a column of boxes.
  let timer = 0;
  on("pointerdown", "[data-row]", (event, row) => {
    if (event.pointerType !== "touch") return;
    timer = window.setTimeout(() => {
      const box = row.querySelector<HTMLInputElement>("[data-pick]");
      if (box) {
        box.checked = !box.checked;
        countPicked(scopeOf(box));
        navigator.vibrate?.(10);
      }
    }, 500);
  });
  for (const type of ["pointerup", "pointermove", "pointercancel"] as const) document.addEventListener(type, () => clearTimeout(timer));
}

/** Swipe to the left: the action comes into view; far enough, it is pressed. */
function startSwipes(): void {
  const WIDTH = 96;
  let row: HTMLElement | undefined;
  let startX = 0;
  let startY = 0;
  let shift = 0;
  const put = (element: HTMLElement, x: number): void => {
    for (const cell of element.children) (cell as HTMLElement).style.transform = x ? `translateX(${x}px)` : "";
  };
  on("touchstart", "[data-swipe]", (event, element) => {
    const touch = event.touches[0];
    if (!touch || !isPhone()) return;
    if (row && row !== element) put(row, 0);
    [row, startX, startY, shift] = [element, touch.clientX, touch.clientY, 0];
  }, { passive: true });
  document.addEventListener("touchmove", (event) => {
    const touch = event.touches[0];
    if (!row || !touch) return;
    const x = touch.clientX - startX;
    if (Math.abs(touch.clientY - startY) > Math.abs(x)) return;
    shift = Math.max(-2.2 * WIDTH, Math.min(0, x));
    put(row, shift);
  }, { passive: true });
  document.addEventListener("touchend", () => {
    if (!row) return;
    const action = row.querySelector<HTMLElement>(".swipe-action");
    if (shift < -1.8 * WIDTH && action) {
      put(row, 0);
      action.click();
    } else put(row, shift < -WIDTH / 2 ? -WIDTH : 0);
    if (shift > -WIDTH / 2) row = undefined;
  });
}

export function startLists(): void {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const list = document.querySelector("[data-list]");
    if (!list || document.querySelector("dialog[open], .menu:popover-open")) return;
    const onControl = event.target instanceof Element && event.target.closest("button, a:not(.row-link), summary, input, [role=tab]") && !event.target.closest("[data-row]");
    const all = rows(list);
    const row = current();
    const at = row ? all.indexOf(row) : -1;
    const key = event.key.toLowerCase();
    if (key === "arrowdown" || key === "j") moveTo(all[Math.min(at + 1, all.length - 1)]);
    else if (key === "arrowup" || key === "k") moveTo(all[Math.max(at - 1, 0)]);
    else if (!row || onControl) return;
    else if (key === "enter" && !(event.target instanceof HTMLAnchorElement)) opened(row);
    else if (key === " " && row.dataset["peek"]) peek(row);
    else if (key === "x") row.querySelector<HTMLElement>("[data-pick]")?.click();
    else if (key === "e" && row.querySelector("[data-edit]")) edit(row.querySelector<HTMLElement>("[data-edit]")!);
    else if (key === "escape") document.querySelector("#peek")?.replaceChildren();
    else return;
    event.preventDefault();
  });
  on("click", "[data-row]", (event, row) => {
    const target = event.target as Element;
    if (target.closest("a, button, input, select, textarea, label, .pick, .is-editing, [popover]") || String(getSelection())) return;
    if (event instanceof MouseEvent && (event.ctrlKey || event.metaKey)) {
      if (row.dataset["href"]) open(row.dataset["href"], "_blank", "noopener");
    } else opened(row);
  });
  on("dblclick", "[data-edit]", (_event, cell) => edit(cell));
  on("click", "[data-peek-open]", (event, element) => {
    event.preventDefault();
    const row = element.closest<HTMLElement>("[data-row]");
    if (row) peek(row);
  });
  on("click", "[data-peek-close]", () => document.querySelector("#peek")?.replaceChildren());
  startPicking();
  startSwipes();
  // A table that does not fit scrolls by itself; only then, because the page's own scroll keeps the head in view.
  const fit = (wrap: HTMLElement): void => {
    wrap.classList.remove("is-wide");
    wrap.classList.toggle("is-wide", !isPhone() && wrap.scrollWidth > wrap.clientWidth + 1);
    if (wrap.classList.contains("is-wide")) wrap.tabIndex = 0;
    else wrap.removeAttribute("tabindex");
  };
  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) if (target.isConnected) fit(target as HTMLElement);
  });
  each(".table-wrap", (wrap) => resized.observe(wrap));
}
