/**
 * Choices with search. select[data-select] becomes a Tom Select; with data-url the options are asked for while typing:
 * GET url?q=… answers {"items": [{"id", "title", "detail"}]}; data-create lets people add words. The component is loaded by
 * the first page that needs it.
 */
import type TomSelect from "tom-select";
import { each, json, make, text } from "./dom";

interface Option { value: string; text: string; detail?: string }
interface Answer { items: { id: string | number; title: string; detail?: string }[] }

function options(select: HTMLSelectElement): object {
  const url = select.dataset["url"];
  const line = (option: Option): HTMLElement => {
    const element = make("div", "", [make("span", "", option.text)]);
    if (option.detail) element.append(make("small", "", option.detail));
    return element;
  };
  return {
    create: "create" in select.dataset,
    persist: false,
    maxOptions: 200,
    valueField: "value",
    labelField: "text",
    searchField: url ? [] : ["text", "detail"],
    plugins: select.multiple ? ["remove_button"] : [],
    allowEmptyOption: false,
    placeholder: select.getAttribute("placeholder") ?? "",
    hidePlaceholder: true,
    refreshThrottle: 100,
    loadThrottle: 180,
    preload: url ? "focus" : false,
    ...(url && {
      shouldLoad: () => true,
      load(this: TomSelect, query: string, show: (found: Option[]) => void) {
        const address = new URL(url, location.href);
        address.searchParams.set("q", query);
        fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" })
          .then(async (answer) => (answer.ok ? (json<Answer>(await answer.text())?.items ?? []) : []))
          .then((items) => {
            this.clearOptions((option: Record<string, unknown>) => this.items.includes(String(option["value"])));
            show(items.map((item) => ({ value: String(item.id), text: item.title, ...(item.detail && { detail: item.detail }) })));
          })
          .catch(() => show([]));
      },
    }),
    render: {
      option: line,
      item: (option: Option) => make("div", "", option.text),
      no_results: () => make("div", "no-results", text("no_results")),
      loading: () => make("div", "no-results", text("searching")),
      not_loading: () => make("div", "no-results", text("type_to_search")),
      option_create: (data: { input: string }) => make("div", "create", [make("span", "", `${text("add")} `), make("b", "", data.input)]),
    },
  };
}

export function startSelects(): void {
  each("select[data-select]", (element) => {
    const select = element as HTMLSelectElement & { tomselect?: TomSelect };
    void import("./tomselect").then(({ Select }) => {
      if (select.tomselect || !select.isConnected) return;
      const label = select.getAttribute("aria-label");
      const picker = new Select(select, options(select) as never);
      if (label) picker.control_input.setAttribute("aria-label", label);
      picker.control_input.setAttribute("autocomplete", "off");
      // What Tom Select hides keeps the value only; the label belongs to the visible input now.
      select.setAttribute("aria-hidden", "true");
      // Backspace in a single choice empties it.
      if (!select.multiple) picker.control_input.addEventListener("keydown", (event) => {
        if (event.key === "Backspace" && !picker.control_input.value && picker.items.length > 0 && !select.required) picker.clear();
      });
      select.form?.addEventListener("reset", () => setTimeout(() => picker.sync()));
    });
  });
}
