/** time[data-relative] is said as people say it, and kept up to date; the exact time shows on hover. */
import { each, language, text } from "./dom";

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [["day", 86400], ["hour", 3600], ["minute", 60]];
const CALENDAR_AFTER_S = 6 * 86400;

export function relative(then: Date, now: Date, lang: string, justNow: string): string {
  const seconds = Math.round((then.getTime() - now.getTime()) / 1000);
  if (Math.abs(seconds) < 45) return justNow;
  if (Math.abs(seconds) > CALENDAR_AFTER_S) {
    const sameYear = then.getFullYear() === now.getFullYear();
    return new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", ...(!sameYear && { year: "numeric" }) }).format(then);
  }
  const format = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  for (const [unit, size] of UNITS) if (Math.abs(seconds) >= size) return format.format(Math.round(seconds / size), unit);
  return format.format(Math.round(seconds / 60), "minute");
}

export function startTimes(): void {
  const exact = (then: Date): string => new Intl.DateTimeFormat(language(), { dateStyle: "full", timeStyle: "short" }).format(then);
  const say = (element: HTMLElement): void => {
    const iso = element.getAttribute("datetime") ?? "";
    const then = new Date(iso);
    // A date without a time has no moment to count from.
    if (Number.isNaN(then.getTime()) || !iso.includes("T")) return;
    element.dataset["exact"] = exact(then);
    element.textContent = relative(then, new Date(), language(), text("just_now"));
  };
  each("time[data-relative]", say);
  setInterval(() => {
    for (const element of document.querySelectorAll<HTMLElement>("time[data-relative]")) say(element);
  }, 30_000);
}
