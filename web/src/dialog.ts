/**
 * Windows, which are sheets on the phone, and menus.
 *
 * data-open="#id" opens a <dialog>; data-close closes the one it is in; data-dialog="/url" loads a fragment into the
 * page's shared dialog; the server closes it with HX-Trigger: close-dialog. hx-confirm asks in a dialog of ours.
 */
import htmx from "htmx.org";
import { detailOf, isPhone, make, on, text } from "./dom";

const shared = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("#modal");

export function openDialog(dialog: HTMLDialogElement): void {
  if (!dialog.open) dialog.showModal();
}

/** Show a fragment of HTML that came with an answer, such as the form a move asks for. */
export async function showFragment(html: string): Promise<void> {
  const dialog = shared();
  if (!dialog) return;
  openDialog(dialog);
  await htmx.swap({ text: html, target: dialog, swap: "innerHTML", sourceElement: dialog } as never);
  dialog.querySelector<HTMLElement>("[autofocus], input:not([type=hidden]), select, textarea")?.focus();
}

export async function loadDialog(url: string): Promise<void> {
  const dialog = shared();
  if (!dialog) return;
  await htmx.ajax("GET", url, { target: dialog, swap: "innerHTML", source: dialog } as never);
  if (dialog.childElementCount > 0) openDialog(dialog);
}

/** Ask before something that cannot be taken back; resolves to the answer. */
export function ask(question: string, title = text("sure"), yes = text("confirm"), no = text("cancel")): Promise<boolean> {
  return new Promise((resolve) => {
    const dialog = make("dialog", "dialog");
    const heading = make("h2", "", title);
    heading.id = "ask-title";
    const form = make("form");
    form.method = "dialog";
    const cancel = make("button", "btn", no);
    const confirm = make("button", "btn btn-primary", yes);
    confirm.value = "yes";
    const foot = make("footer", "dialog-foot", [cancel, confirm]);
    form.append(make("p", "", question), foot);
    dialog.append(make("header", "dialog-head", [heading]), make("div", "dialog-body", [form]));
    dialog.setAttribute("aria-labelledby", "ask-title");
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    confirm.focus();
  });
}

/** Put a menu under its button, or above it where there is no room; on the phone the style sheet makes it a sheet. */
function placeMenu(menu: HTMLElement, button: Element): void {
  if (isPhone()) {
    menu.style.removeProperty("top");
    menu.style.removeProperty("left");
    return;
  }
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = at.bottom + 4 + size.height <= innerHeight || at.top < size.height + 4;
  const start = at.left + size.width <= innerWidth - 8 && at.left < innerWidth / 2;
  menu.style.top = `${below ? at.bottom + 4 : at.top - size.height - 4}px`;
  menu.style.left = `${Math.max(8, start ? at.left : Math.min(at.right, innerWidth - 8) - size.width)}px`;
}

export function startDialogs(): void {
  on("click", "[data-open]", (event, element) => {
    event.preventDefault();
    const dialog = document.querySelector(element.dataset["open"] ?? "");
    if (dialog instanceof HTMLDialogElement) openDialog(dialog);
  });
  on("click", "[data-dialog]", (event, element) => {
    event.preventDefault();
    void loadDialog(element.dataset["dialog"] ?? "");
  });
  on("click", "[data-close]", (_event, element) => element.closest("dialog")?.close());
  // A click on the veil is a click on the dialog itself.
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof HTMLDialogElement && event.target.open) {
      const box = event.target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      if (!inside && !event.target.querySelector("[data-guard][data-dirty]")) event.target.close();
    }
  });
  document.addEventListener("close-dialog", () => shared()?.close());
  document.addEventListener("close", (event) => {
    // The next fragment must not flash the last one.
    if (event.target === shared()) shared()?.replaceChildren();
  }, true);

  document.addEventListener("htmx:confirm", (event) => {
    const detail = detailOf<{ ctx: { confirm: string }; issueRequest: () => void; dropRequest: () => void }>(event);
    event.preventDefault();
    void ask(detail.ctx.confirm).then((yes) => (yes ? detail.issueRequest() : detail.dropRequest()));
  });

  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLElement) || !menu.matches(".menu[popover]")) return;
    const opened = (event as ToggleEvent).newState === "open";
    const button = document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]:not([hidden])`);
    for (const each of document.querySelectorAll(`[popovertarget="${CSS.escape(menu.id)}"]`)) each.setAttribute("aria-expanded", String(opened));
    if (!opened || !button) return;
    placeMenu(menu, button);
    menu.querySelector<HTMLElement>("[role=menuitem]")?.focus({ preventScroll: true });
  }, true);
  on("click", ".menu[popover] [role=menuitem]:not([data-why])", (_event, item) => item.closest<HTMLElement>(".menu")?.hidePopover());
  on("keydown", ".menu[popover]", (event, menu) => {
    const items = [...menu.querySelectorAll<HTMLElement>("[role=menuitem], .menu-segments button")];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    items[(next + items.length) % items.length]?.focus();
  });
  // Scrolling takes the button away from under its menu.
  addEventListener("scroll", () => {
    if (!isPhone()) document.querySelector<HTMLElement>(".menu:popover-open")?.hidePopover();
  }, { passive: true });
}
