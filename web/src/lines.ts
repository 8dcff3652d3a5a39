/**
 * Line items, a small spreadsheet: Enter goes down and adds a row at the end, arrows up and down move, a block pasted
 * from a spreadsheet fills rows and columns, formulas and totals follow while typing.
 *
 * [data-lines="NAME"] with script[data-lines-spec] {columns: [{name, kind, formula}], totals: [{tree, kind}]}, [data-lines-rows],
 * template[data-lines-template] holding "__index__", [data-lines-add], [data-lines-remove], output[data-formula], [data-total].
 */
import htmx from "htmx.org";
import { each, json, on } from "./dom";
import { loadEvaluator, type Evaluate } from "./expression";
import { recordOf, rowOf, shown } from "./values";

interface Column { name: string; kind: string; formula?: unknown }
interface Total { tree: unknown; kind?: string }
interface Spec { columns: Column[]; totals: Total[] }

const editorOf = (element: Element): HTMLElement | null => element.closest<HTMLElement>("[data-lines]");
const rowsOf = (editor: Element): HTMLElement[] => [...editor.querySelectorAll<HTMLElement>("[data-lines-row]")];
const inputsOf = (row: Element): HTMLElement[] =>
  [...row.querySelectorAll<HTMLElement>("input:not([type=hidden], .ts-control input), select, .ts-control input")].filter((input) => !input.closest(".ts-hidden-accessible") && !input.matches(".ts-hidden-accessible, .tomselected"));

const specOf = (editor: Element): Spec => json<Spec>(editor.querySelector("[data-lines-spec]")?.textContent) ?? { columns: [], totals: [] };

function add(editor: HTMLElement): HTMLElement | null {
  const template = editor.querySelector<HTMLTemplateElement>("[data-lines-template]");
  const body = editor.querySelector("[data-lines-rows]");
  if (!template || !body) return null;
  const used = rowsOf(editor).map((row) => Number(/\.(\d+)\./.exec(row.querySelector<HTMLElement>("[name]")?.getAttribute("name") ?? "")?.[1] ?? -1));
  const index = String(Math.max(-1, ...used) + 1);
  const row = template.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined;
  if (!row) return null;
  for (const element of row.querySelectorAll("*")) {
    for (const attribute of ["id", "name", "aria-describedby"]) {
      const value = element.getAttribute(attribute);
      if (value?.includes("__index__")) element.setAttribute(attribute, value.replace("__index__", index));
    }
  }
  body.append(row);
  htmx.process(row);
  row.dispatchEvent(new Event("input", { bubbles: true }));
  return row;
}

function compute(editor: HTMLElement, evaluate: Evaluate): void {
  const form = editor.closest("form") ?? editor;
  const env = json<unknown>(form.querySelector("[data-env]")?.textContent) ?? {};
  const spec = specOf(editor);
  for (const row of rowsOf(editor)) {
    for (const column of spec.columns) {
      if (!column.formula) continue;
      const output = row.querySelector<HTMLElement>(`[data-column="${CSS.escape(column.name)}"] output`);
      if (!output) continue;
      const value = evaluate(column.formula, rowOf(row), env);
      output.textContent = shown(value, column.kind);
      if (value === null || value === undefined) delete output.dataset["value"];
      else output.dataset["value"] = String((value as { amount?: unknown }).amount ?? value);
    }
  }
  const record = recordOf(form);
  spec.totals.forEach((total, index) => {
    const place = editor.querySelector(`[data-total="${index}"]`);
    if (place && total.tree) place.textContent = shown(evaluate(total.tree, record, env), total.kind ?? "money");
  });
}

async function follow(editor: HTMLElement): Promise<void> {
  const spec = specOf(editor);
  if (!spec.columns.some((column) => column.formula) && !spec.totals.some((total) => total.tree)) return;
  compute(editor, await loadEvaluator());
}

/** Write a value into a cell as if it had been typed. */
function fill(input: HTMLElement | undefined, value: string): void {
  if (input instanceof HTMLSelectElement) {
    const option = [...input.options].find((each) => each.text.trim() === value || each.value === value);
    if (option) input.value = option.value;
  } else if (input instanceof HTMLInputElement) {
    if (input.type === "checkbox") input.checked = /^(1|true|yes|是|x|✓)$/i.test(value);
    else input.value = value;
  }
  input?.dispatchEvent(new Event("change", { bubbles: true }));
}

export function startLines(): void {
  each("[data-lines]", (editor) => {
    if (rowsOf(editor).length === 0 && editor.querySelector("[data-lines-add]")) add(editor);
    void follow(editor);
  });
  on("input", "form:has([data-lines])", (_event, form) => {
    for (const editor of form.querySelectorAll<HTMLElement>("[data-lines]")) void follow(editor);
  });
  on("change", "form:has([data-lines])", (_event, form) => {
    for (const editor of form.querySelectorAll<HTMLElement>("[data-lines]")) void follow(editor);
  });
  on("click", "[data-lines-add]", (_event, button) => {
    const editor = editorOf(button);
    const row = editor && add(editor);
    if (row) inputsOf(row)[0]?.focus();
  });
  on("click", "[data-lines-remove]", (_event, button) => {
    const editor = editorOf(button);
    const row = button.closest<HTMLElement>("[data-lines-row]");
    if (!editor || !row) return;
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (next) inputsOf(next)[0]?.focus();
    else editor.querySelector<HTMLElement>("[data-lines-add]")?.focus();
    (editor.closest("form") ?? editor).dispatchEvent(new Event("input", { bubbles: true }));
  });
  on("keydown", "[data-lines-row]", (event, row) => {
    const editor = editorOf(row);
    const target = event.target as HTMLElement;
    // While a picker is open the arrows and Enter belong to it.
    if (!editor || event.isComposing || event.defaultPrevented || target.closest(".dropdown-active, button") || event.ctrlKey || event.metaKey) return;
    const step = event.key === "Enter" || (event.key === "ArrowDown" && !(target instanceof HTMLSelectElement)) ? 1 : event.key === "ArrowUp" && !(target instanceof HTMLSelectElement) ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const all = rowsOf(editor);
    const column = inputsOf(row).indexOf(target);
    const next = all[all.indexOf(row) + step] ?? (event.key === "Enter" && editor.querySelector("[data-lines-add]") ? add(editor) : null);
    if (next) (inputsOf(next)[event.key === "Enter" && !all.includes(next) ? 0 : column] ?? inputsOf(next)[0])?.focus();
  });
  on("paste", "[data-lines-row] input", (event, input) => {
    const block = event.clipboardData?.getData("text/plain") ?? "";
    if (!/[\t\n]/.test(block.trimEnd())) return;
    const row = input.closest<HTMLElement>("[data-lines-row]");
    const editor = row && editorOf(row);
    if (!row || !editor) return;
    event.preventDefault();
    const first = rowsOf(editor).indexOf(row);
    const column = inputsOf(row).indexOf(input);
    block.replace(/\r\n?/g, "\n").replace(/\n+$/, "").split("\n").slice(0, 500).forEach((text, down) => {
      const into = rowsOf(editor)[first + down] ?? add(editor);
      if (!into) return;
      const cells = inputsOf(into);
      text.split("\t").forEach((value, along) => fill(cells[column + along], value.trim()));
    });
    (editor.closest("form") ?? editor).dispatchEvent(new Event("input", { bubbles: true }));
  });
}
