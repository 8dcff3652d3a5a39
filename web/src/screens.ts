/**
 * What the generated screens need beyond the kit.
 *
 * form script[data-computed-spec] [{name, kind, tree, currency}] with output[data-computed="name"]: computed fields follow
 * while typing; a line's empty fields are filled when what they depend on is chosen; form[data-filter-form] narrows a list;
 * [data-reload] loads the page anew; [data-cells] with [data-fade] and [data-cell] fades what does not fit; [data-print].
 */
import htmx from "htmx.org";
import { each, json, on } from "./dom";
import { loadEvaluator, type Evaluate } from "./expression";
import { recordOf, shown } from "./values";

interface Computed { name: string; kind: string; tree: unknown; currency?: string | null }
interface Column { name: string; from?: string[] }

const SIGNS: Record<string, string> = { CNY: "¥", USD: "$", EUR: "€", GBP: "£", JPY: "¥" };

function compute(form: HTMLElement, fields: readonly Computed[], evaluate: Evaluate): void {
  const env = json<unknown>(form.querySelector("[data-env]")?.textContent) ?? {};
  const record = recordOf(form);
  for (const field of fields) {
    const value = evaluate(field.tree, record, env) as string | number | boolean | null;
    record[field.name] = value;
    const output = form.querySelector<HTMLElement>(`[data-computed="${CSS.escape(field.name)}"]`);
    if (!output) continue;
    const text = shown(value, field.kind);
    output.textContent = field.kind === "money" && text !== "—" ? `${SIGNS[field.currency ?? ""] ?? ""}${text}` : text;
    const kept = output.parentElement?.querySelector<HTMLInputElement>("[data-computed-value]");
    if (kept) kept.value = value === null ? "" : String(value);
  }
}

function startComputed(): void {
  each("form:has([data-computed-spec])", (form) => {
    const fields = json<Computed[]>(form.querySelector("[data-computed-spec]")?.textContent) ?? [];
    let waiting = false;
    const follow = (): void => {
      if (waiting || fields.length === 0) return;
      waiting = true;
      // After the lines' own cells have been worked out.
      void loadEvaluator().then((evaluate) => setTimeout(() => {
        waiting = false;
        if (form.isConnected) compute(form, fields, evaluate);
      }));
    };
    form.addEventListener("input", follow);
    form.addEventListener("change", follow);
    follow();
  });
}

/** A line's defaults may come from what was chosen in it: the server says what its empty cells would be. */
function startLineDefaults(): void {
  on("change", "[data-lines-row]", (event, row) => {
    const editor = row.closest<HTMLElement>("[data-lines]");
    const entity = row.closest<HTMLElement>("form")?.dataset["entity"];
    const cell = (event.target as Element).closest<HTMLElement>("[data-column]");
    const columns = json<{ columns: Column[] }>(editor?.querySelector("[data-lines-spec]")?.textContent)?.columns ?? [];
    const depends = columns.filter((column) => column.from?.includes(cell?.dataset["column"] ?? ""));
    if (!editor || !entity || depends.length === 0) return;
    const query = new URLSearchParams();
    for (const each of row.querySelectorAll<HTMLElement>("[data-column]")) {
      const input = each.querySelector<HTMLInputElement | HTMLSelectElement>("input[name], select[name]");
      const name = each.dataset["column"] ?? "";
      if (input?.value && !depends.some((column) => column.name === name)) query.set(name, input.value);
    }
    const url = `/o/${encodeURIComponent(entity)}/line/${encodeURIComponent(editor.dataset["lines"] ?? "")}?${query.toString()}`;
    void fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" }).then(async (answer) => {
      if (!answer.ok) return;
      const values = json<{ values: Record<string, string> }>(await answer.text())?.values ?? {};
      for (const column of depends) {
        const input = row.querySelector<HTMLInputElement>(`[data-column="${CSS.escape(column.name)}"] input`);
        const value = values[column.name];
        if (input && value !== undefined) input.value = value;
      }
      row.dispatchEvent(new Event("input", { bubbles: true }));
    }).catch(() => undefined);
  });
}

function startFilters(): void {
  on("submit", "form[data-filter-form]", (_event, form) => {
    // What was left empty says nothing in the address.
    for (const input of form.querySelectorAll<HTMLInputElement>("input, select")) if (input.name && !input.value) input.disabled = true;
    setTimeout(() => form.closest("dialog")?.close());
  }, { capture: true });
  on("input", "form[data-filter-form] .fields input", (_event, input) => {
    for (const radio of input.closest("form")?.querySelectorAll<HTMLInputElement>("input[type=radio]") ?? []) radio.checked = false;
  });
  on("click", "[data-reload]", () => {
    void htmx.ajax("GET", location.pathname + location.search, { target: "#page", select: "#page", swap: "outerHTML" } as never);
  });
  on("click", "[data-print]", () => print());
}

function fade(board: HTMLElement): void {
  const pressed = [...board.querySelectorAll<HTMLElement>('[data-fade][aria-pressed="true"]')];
  const states = pressed.filter((button) => button.dataset["fade"] === "state").map((button) => button.dataset["fadeValue"] ?? "");
  const marks = new Map<string, string[]>();
  for (const button of pressed) {
    if (button.dataset["fade"] !== "mark") continue;
    const value = button.dataset["fadeValue"] ?? "";
    const field = value.split(":")[0] ?? "";
    marks.set(field, [...(marks.get(field) ?? []), value]);
  }
  let fits = 0;
  for (const cell of board.querySelectorAll<HTMLElement>("[data-cell]")) {
    const own = (cell.dataset["marks"] ?? "").split(" ");
    const fitting = (states.length === 0 || states.includes(cell.dataset["state"] ?? "")) && [...marks.values()].every((wanted) => wanted.some((mark) => own.includes(mark)));
    cell.classList.toggle("is-faded", !fitting);
    if (fitting) fits += 1;
  }
  const count = board.querySelector("[data-fade-count]");
  if (count) count.textContent = String(fits);
}

function startCells(): void {
  on("click", "[data-fade]", (_event, button) => {
    const board = button.closest<HTMLElement>("[data-cells]");
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    if (board) fade(board);
  });
  // A cell opens beside the picture; with Ctrl, or from the panel, its own page.
  on("click", "[data-cell][data-peek]", (event, cell) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    for (const each of document.querySelectorAll("[data-cell].is-current")) each.classList.remove("is-current");
    cell.classList.add("is-current");
    void htmx.ajax("GET", cell.dataset["peek"] ?? "", { target: "#peek", swap: "innerHTML" } as never);
  }, { capture: true });
}

function startFacts(): void {
  on("keydown", "form[data-fact-form]", (event, form) => {
    if (event.key === "Escape") form.querySelector<HTMLElement>("[data-fact-cancel]")?.click();
  });
}

export function startScreens(): void {
  startComputed();
  startLineDefaults();
  startFilters();
  startCells();
  startFacts();
}
