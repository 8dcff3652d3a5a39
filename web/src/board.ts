/**
 * The board: cards are dragged, or moved by their menu; the columns show beforehand where a card may go.
 *
 * [data-board] > [data-column] > [data-cards][data-stage][data-url] > [data-card][data-version][data-allowed][data-why-not];
 * the last two may stand on [data-cards] for all of its cards, whose menu is then opened by [data-card-menu].
 * A drop posts {id, stage, version, before} to the column's address. 200 answers with the card; on 409 or 422 the card
 * goes back, and what the server says is shown: a form in the dialog, or the reason in a toast.
 */
import htmx from "htmx.org";
import type Sortable from "sortablejs";
import { each, json, on, text } from "./dom";
import { showFragment } from "./dialog";
import { freshKey, token } from "./requests";
import { toast } from "./toast";

// A card says where it may go, or its column says so for all of its cards. While it is dragged it stands elsewhere already.
const homes = new WeakMap<HTMLElement, HTMLElement>();
const homeOf = (card: HTMLElement): HTMLElement | null => homes.get(card) ?? card.closest<HTMLElement>("[data-cards]");
const allowed = (card: HTMLElement): string[] => json<string[]>(card.dataset["allowed"] ?? homeOf(card)?.dataset["allowed"]) ?? [];
const reasons = (card: HTMLElement): Record<string, string> => json<Record<string, string>>(card.dataset["whyNot"] ?? homeOf(card)?.dataset["whyNot"]) ?? {};
const stageOf = (list: Element | null): string => (list instanceof HTMLElement ? (list.dataset["stage"] ?? "") : "");

function showTargets(board: HTMLElement, card: HTMLElement): void {
  const may = allowed(card);
  const why = reasons(card);
  const from = stageOf(card.closest("[data-cards]"));
  board.classList.add("is-dragging");
  for (const column of board.querySelectorAll<HTMLElement>("[data-column]")) {
    const stage = column.dataset["column"] ?? "";
    const can = stage === from || may.includes(stage);
    column.classList.toggle("may-drop", can && stage !== from);
    column.classList.toggle("no-drop", !can);
    const note = column.querySelector("[data-column-why]");
    if (note) note.textContent = can ? "" : (why[stage] ?? text("cannot_move"));
  }
}

function hideTargets(board: HTMLElement): void {
  board.classList.remove("is-dragging");
  for (const column of board.querySelectorAll("[data-column]")) column.classList.remove("may-drop", "no-drop");
  for (const note of board.querySelectorAll("[data-column-why]")) note.textContent = "";
}

/** Tell the server; `back` undoes the move on the screen. */
async function post(card: HTMLElement, list: HTMLElement, back: () => void): Promise<void> {
  const next = card.nextElementSibling;
  const body = new URLSearchParams({
    id: card.dataset["card"] ?? "",
    stage: stageOf(list),
    version: card.dataset["version"] ?? "",
    before: (next instanceof HTMLElement && next.dataset["card"]) || "",
  });
  card.classList.add("is-waiting");
  card.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(list.dataset["url"] ?? "", {
      method: "POST",
      body,
      credentials: "same-origin",
      headers: { "HX-Request": "true", Accept: "text/html, application/problem+json", "X-CSRF-Token": token(), "Idempotency-Key": freshKey() },
    });
    const content = await answer.text();
    const isHtml = answer.headers.get("content-type")?.includes("html") ?? false;
    if (answer.ok) {
      if (isHtml && content.trim()) await htmx.swap({ text: content, target: card, swap: "outerHTML", sourceElement: card } as never);
      announce(card, list);
    } else {
      back();
      if (isHtml && answer.status < 500 && !/^\s*<!doctype/i.test(content)) await showFragment(content);
      else toast(json<{ detail?: string }>(content)?.detail ?? text(answer.status === 409 || answer.status === 412 ? "changed_elsewhere" : "cannot_move"), "amber");
    }
  } catch (error) {
    back();
    toast(text("offline"), "red");
    if (!(error instanceof TypeError)) throw error;
  } finally {
    card.classList.remove("is-waiting");
    card.removeAttribute("aria-busy");
  }
}

function announce(card: HTMLElement, list: HTMLElement): void {
  const name = list.closest("[data-column]")?.querySelector(".state")?.textContent?.trim() ?? "";
  toast(text("moved", { stage: name }), "green");
  document.getElementById(card.id)?.querySelector<HTMLElement>(".card-name")?.focus({ preventScroll: true });
}

function move(card: HTMLElement, stage: string): void {
  const board = card.closest("[data-board]");
  const list = board?.querySelector<HTMLElement>(`[data-cards][data-stage="${CSS.escape(stage)}"]`);
  const home = card.parentElement;
  const next = card.nextSibling;
  if (!list || !home || list === home) return;
  list.prepend(card);
  void post(card, list, () => home.insertBefore(card, next));
}

/** The stage under the pointer or finger that let go; undefined outside of all columns. */
function columnAt(event: Event | undefined): string | undefined {
  const point = event instanceof MouseEvent ? event : event instanceof TouchEvent ? event.changedTouches[0] : undefined;
  const column = point && document.elementFromPoint(point.clientX, point.clientY)?.closest<HTMLElement>("[data-column]");
  return column ? (column.dataset["column"] ?? "") : undefined;
}

export function startBoards(): void {
  each("[data-cards]", (list) => {
    void import("sortablejs").then(({ default: Sorter }) => {
      let next: ChildNode | null = null;
      const boardOf = (element: Element): HTMLElement | null => element.closest<HTMLElement>("[data-board]");
      Sorter.create(list, {
        group: boardOf(list)?.id || "board",
        draggable: "[data-card]",
        filter: "button, [popover]",
        preventOnFilter: false,
        animation: 120,
        delay: 180,
        delayOnTouchOnly: true,
        ghostClass: "card-ghost",
        dragClass: "card-drag",
        onStart: ({ item }: Sortable.SortableEvent) => {
          next = item.nextSibling;
          homes.set(item, list);
          const board = boardOf(item);
          if (board) showTargets(board, item);
        },
        onMove: ({ dragged, to }: Sortable.MoveEvent) => stageOf(to) === stageOf(dragged.closest("[data-cards]")) || allowed(dragged).includes(stageOf(to)),
        onEnd: ({ item, from, to, originalEvent }: Sortable.SortableEvent & { originalEvent?: Event }) => {
          const board = boardOf(to);
          if (board) hideTargets(board);
          const before = next;
          const back = (): void => void from.insertBefore(item, before?.parentNode === from ? before : null);
          // On its way to a column it may not enter, a card stays in the last one it passed: that is not what was meant.
          const over = columnAt(originalEvent);
          if (over && over !== stageOf(to)) {
            back();
            if (over !== stageOf(from)) toast(reasons(item)[over] ?? text("cannot_move"), "amber");
          } else if (from !== to) void post(item, to, back);
        },
      });
    });
  });
  // The menu of a column serves all of its cards: the one whose button opened it is moved.
  let chosen: HTMLElement | null = null;
  on("click", "[data-card-menu]", (_event, button) => {
    chosen = button.closest<HTMLElement>("[data-card]");
  }, { capture: true });
  on("click", "[data-move]", (_event, item) => {
    const card = item.closest<HTMLElement>("[data-card]") ?? chosen;
    if (card?.isConnected) move(card, item.dataset["move"] ?? "");
  });
}
