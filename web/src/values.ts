/** What a form holds, as the record an expression reads; and back: a computed value as a person writes it. */
import { language } from "./dom";
import type { Values } from "./expression";

const EMPTY = /^[\s\u200b\ufeff]*$/;
const NUMBERS = new Set(["integer", "decimal", "money", "percent"]);

/** A number as typed, "1,234.50" or "１２３４", as plain digits; null where it is none. */
export function plainNumber(typed: string): string | null {
  const digits = typed.replace(/[\uff0d\uff0e\uff10-\uff19]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0)).replace(/[\s,\u00a0\u202f\uff0c]/g, "").replace("\u2212", "-");
  return /^[-+]?(\d+\.?\d*|\.\d+)$/.test(digits) ? digits : null;
}

/** What people write before a per cent sign is a hundred times what rules compute with. */
function hundredth(digits: string): string {
  const [, sign = "", whole = "", part = ""] = /^([-+]?)(\d*)\.?(\d*)$/.exec(digits) ?? [];
  const padded = whole.padStart(3, "0");
  return `${sign}${padded.slice(0, -2)}.${padded.slice(-2)}${part}`;
}

/** The value of one input for an expression: integers as numbers, exact decimals as text, references as {id}. */
export function valueOf(kind: string, inputs: readonly HTMLElement[]): unknown {
  const input = inputs.find((each) => each instanceof HTMLInputElement && each.type !== "hidden") ?? inputs[0];
  if (kind === "multi_choice" || kind === "tags" || kind === "references") {
    if (input instanceof HTMLSelectElement) return [...input.selectedOptions].map((option) => option.value).filter(Boolean);
    return inputs.filter((each) => each instanceof HTMLInputElement && each.checked).map((each) => (each as HTMLInputElement).value);
  }
  if (input instanceof HTMLInputElement && input.type === "radio") {
    return (inputs.find((each) => each instanceof HTMLInputElement && each.checked) as HTMLInputElement | undefined)?.value ?? null;
  }
  if (input instanceof HTMLInputElement && input.type === "checkbox") return input.checked;
  const typed = (input as HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement | undefined)?.value ?? "";
  if (EMPTY.test(typed)) return null;
  if (NUMBERS.has(kind)) {
    const digits = plainNumber(typed);
    if (digits === null) return null;
    if (kind === "percent") return hundredth(digits);
    return kind === "integer" && Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
  }
  // Moments travel in UTC, as the server keeps them.
  if (kind === "datetime") return Number.isNaN(Date.parse(typed)) ? null : new Date(typed).toISOString().replace("Z", "000Z");
  return typed;
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

const isField = (element: Element): element is Field =>
  element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement;

/** The record of a form: every field by name, line items as lists of records. */
export function recordOf(form: HTMLElement, skip?: Element): Values {
  const record: Values = {};
  for (const wrapper of form.querySelectorAll<HTMLElement>("[data-field]")) {
    const name = wrapper.dataset["field"] ?? "";
    const kind = wrapper.dataset["kind"] ?? "text";
    if (!name || wrapper === skip) continue;
    if (kind === "table") {
      record[name] = [...wrapper.querySelectorAll<HTMLElement>("[data-lines-row]")].map(rowOf);
    } else {
      record[name] = valueOf(kind, [...wrapper.querySelectorAll("input, select, textarea")].filter(isField));
    }
  }
  return record;
}

/** The record of one line. Computed cells are read as they stand. */
export function rowOf(row: HTMLElement): Values {
  const values: Values = {};
  for (const cell of row.querySelectorAll<HTMLElement>("[data-column]")) {
    const name = cell.dataset["column"] ?? "";
    const kind = cell.dataset["kind"] ?? "text";
    const computed = cell.querySelector<HTMLElement>("output[data-formula]");
    values[name] = computed ? (computed.dataset["value"] ?? plainNumber(computed.textContent ?? "")) || null : valueOf(kind, [...cell.querySelectorAll("input:not([type=hidden]), select")].filter(isField));
  }
  return values;
}

/** A computed value for people; exact decimals arrive as text and are grouped without becoming floats. */
export function shown(value: unknown, kind: string): string {
  if (value === null || value === undefined || value === "") return "—";
  if (typeof value === "object") {
    const money = value as { amount?: unknown; currency?: unknown; value?: unknown };
    if (money.amount !== undefined) return shown(money.amount, kind);
    return typeof (value as { toString?: unknown }).toString === "function" ? shown(String(value), kind) : "—";
  }
  const digits = plainNumber(String(value));
  if (digits === null || !NUMBERS.has(kind)) return String(value);
  if (kind === "percent") return `${new Intl.NumberFormat(language(), { maximumFractionDigits: 4 }).format(Number(digits) * 100)} %`;
  const places = kind === "money" ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumFractionDigits: 6 };
  // Intl formats a string of digits exactly; the type library only knows numbers.
  return new Intl.NumberFormat(language(), places).format(digits as unknown as number);
}
