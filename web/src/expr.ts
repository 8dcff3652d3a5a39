/**
 * The value of a checked expression in the page.
 *
 * The server parses and checks; what arrives here is a tree. Numbers are BigInt in units of 10^-scale, so that a
 * total in the form is the total on the server to the last digit. `null` stands for empty and unknown alike.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type Row = Readonly<Record<string, unknown>>;

/** One construct: op, kind, scale, arguments, value; `r`, `p` and `e` say where a field is read. */
export interface Tree {
  readonly o: string;
  readonly k: string;
  readonly s?: number;
  readonly a?: readonly Tree[];
  readonly v?: Json;
  readonly r?: string;
  readonly p?: readonly string[];
  readonly e?: readonly (string | null)[];
}

export interface UserFacts {
  readonly id: string;
  readonly team?: string | null;
  readonly teams?: readonly string[];
  readonly subordinate_teams?: readonly string[];
  readonly roles?: readonly string[];
}

/** Usual working weekdays (0 is Monday) and the dates that differ: +1 is worked after all, -1 is free after all. */
export interface Calendar {
  readonly weekdays: readonly number[];
  readonly exceptions: readonly (readonly [string, number])[];
}

/** What stands still while a page is shown; `now` is `2026-01-31T09:00:00.000000Z`, `today` the date in `zone`. */
export interface Env {
  readonly now: string;
  readonly today: string;
  readonly zone: string;
  readonly user?: UserFacts | null;
  readonly old?: Row | null;
  readonly extra?: Row;
  readonly calendar?: Calendar;
  readonly resolve?: (entity: string, id: string) => Row | null;
}

type Value = null | boolean | bigint | string | readonly Value[] | readonly Row[];

const NUMBERS: ReadonlySet<string> = new Set(["integer", "decimal", "money", "duration"]);
const DIVISION_SCALE = 12;
const DAY_US = 86_400_000_000n;
const LAST_DAY = 3_652_059;
const FAR_BUSINESS = 2_000n;
const IDLE = 3_660;

/** Return the value as JSON: decimals as text, whole numbers as numbers where they are exact, else as text. */
export function evaluate(tree: Tree, record: Row, env: Env): Json {
  return outward(value(tree, { record, env, rows: new Map() }), tree);
}

/** Return a condition's answer, with `unknown` where an empty field leaves it open. */
export function isTrue(tree: Tree, record: Row, env: Env, unknown = false): boolean {
  const answer = value(tree, { record, env, rows: new Map() });
  return answer === null ? unknown : answer === true;
}

/** Return the first fields that a tree reads from the record, so that a form knows when to ask again. */
export function reads(tree: Tree): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: Tree): void => {
    const first = node.p?.[0];
    if (node.o === "get" && node.r === "record" && first !== undefined) found.add(first);
    for (const arg of node.a ?? []) visit(arg);
  };
  visit(tree);
  return found;
}

interface Place {
  readonly record: Row;
  readonly env: Env;
  readonly rows: ReadonlyMap<string, Row>;
}

function outward(found: Value, tree: Tree): Json {
  if (typeof found === "bigint") {
    if (tree.k === "integer") {
      const small = found >= -9_007_199_254_740_991n && found <= 9_007_199_254_740_991n;
      return small ? Number(found) : found.toString();
    }
    return tree.k === "duration" ? found.toString() : decimalText(found, tree.s ?? 0);
  }
  return found as Json;
}

/** Return `12.50` for 1250 in units of 10^-2. */
export function decimalText(scaled: bigint, scale: number): string {
  if (scale === 0) return scaled.toString();
  const sign = scaled < 0n ? "-" : "";
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Read a number of a record or an input; what is no number is empty. */
export function readNumber(raw: unknown, scale: number): bigint | null {
  if (typeof raw === "bigint") return raw * power(scale);
  if (typeof raw !== "number" && typeof raw !== "string") return null;
  const match = /^\s*([+-]?)(\d*)(?:\.(\d*))?\s*$/.exec(String(raw).replaceAll(",", ""));
  if (match === null) return null;
  const whole = match[2] ?? "";
  const part = match[3] ?? "";
  if (whole === "" && part === "") return null;
  const digits = BigInt(whole + part);
  const signed = match[1] === "-" ? -digits : digits;
  const change = scale - part.length;
  return change >= 0 ? signed * power(change) : halfEven(signed, power(-change));
}

function power(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

function floorDiv(one: bigint, two: bigint): bigint {
  const quotient = one / two;
  return one % two !== 0n && one < 0n !== two < 0n ? quotient - 1n : quotient;
}

function halfEven(number: bigint, divisor: bigint): bigint {
  const one = divisor < 0n ? -number : number;
  const two = divisor < 0n ? -divisor : divisor;
  const quotient = floorDiv(one, two);
  const twice = 2n * (one - quotient * two);
  return twice > two || (twice === two && quotient % 2n !== 0n) ? quotient + 1n : quotient;
}

// ---------------------------------------------------------------- constructs

function args(tree: Tree): readonly Tree[] {
  return tree.a ?? [];
}

function arg(tree: Tree, at: number): Tree {
  const found = tree.a?.[at];
  if (found === undefined) throw new Error(`the tree lacks part ${at} of ${tree.o}`);
  return found;
}

function value(tree: Tree, place: Place): Value {
  switch (tree.o) {
    case "const":
      return constant(tree);
    case "get":
      return read(tree, place);
    case "name":
      return name(tree, place);
    case "list":
      return args(tree).map((item) => value(item, place));
    case "and":
      return joined(tree, place, false);
    case "or":
      return joined(tree, place, true);
    case "not": {
      const inner = value(arg(tree, 0), place);
      return inner === null ? null : inner !== true;
    }
    case "if": {
      const test = value(arg(tree, 0), place);
      if (test === null) return null;
      const chosen = arg(tree, test === true ? 1 : 2);
      return isNumber(tree) ? number(chosen, tree.s ?? 0, place) : value(chosen, place);
    }
    case "eq":
      return equal(arg(tree, 0), arg(tree, 1), place);
    case "ne":
      return !equal(arg(tree, 0), arg(tree, 1), place);
    case "lt":
    case "le":
    case "gt":
    case "ge":
      return ordered(tree, place);
    case "in":
      return within(tree, place);
    case "neg":
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "mod":
    case "rescale":
      return reckoned(tree, place);
    case "concat": {
      const one = value(arg(tree, 0), place);
      const two = value(arg(tree, 1), place);
      return one === null || two === null ? null : `${one as string}${two as string}`;
    }
    case "call":
      return called(tree, place);
    case "exists":
    case "all":
      return searched(tree, place);
    case "sum":
    case "avg":
    case "min":
    case "max":
    case "count":
      return gathered(tree, place);
    default:
      return moved(tree, place);
  }
}

function isNumber(tree: Tree): boolean {
  return NUMBERS.has(tree.k);
}

function constant(tree: Tree): Value {
  const found = tree.v;
  if (found === undefined || found === null) return null;
  return isNumber(tree) ? BigInt(found as string) : (found as string | boolean);
}

function read(tree: Tree, place: Place): Value {
  const root = tree.r ?? "record";
  let here: unknown = place.rows.get(root) ?? (root === "old" ? place.env.old : root === "record" ? place.record : null);
  const path = tree.p ?? [];
  path.forEach((field, at) => {
    if (here === null || here === undefined) return;
    const next = own(here, field);
    if (at === path.length - 1) {
      here = next;
    } else if (typeof next === "string") {
      here = place.env.resolve?.(tree.e?.[at] ?? "", next) ?? null;
    } else {
      here = next;
    }
  });
  return inward(here, tree);
}

function own(holder: unknown, field: string): unknown {
  // A field may be called "constructor"; only what the record itself holds counts.
  return typeof holder === "object" && holder !== null && Object.hasOwn(holder, field)
    ? (holder as Row)[field]
    : undefined;
}

function inward(raw: unknown, tree: Tree): Value {
  if (tree.k === "list") return Array.isArray(raw) ? (raw as readonly Value[]) : [];
  if (raw === null || raw === undefined) return null;
  if (isNumber(tree)) return readNumber(raw, tree.s ?? 0);
  if (tree.k === "datetime") return momentText(momentMicros(String(raw)));
  if (tree.k === "time") return String(raw).length === 5 ? `${String(raw)}:00` : String(raw);
  if (typeof raw === "object" && own(raw, "id") !== undefined) return own(raw, "id") as Value;
  return raw as Value;
}

function name(tree: Tree, place: Place): Value {
  const env = place.env;
  const word = tree.v as string;
  switch (word) {
    case "now":
      return env.now;
    case "today":
      return env.today;
    case "user":
      return env.user?.id ?? "";
    case "user.team":
      return env.user?.team ?? null;
    case "user.teams":
      return env.user?.teams ?? [];
    case "user.subordinate_teams":
      return env.user?.subordinate_teams ?? [];
    case "user.roles":
      return env.user?.roles ?? [];
    default:
      return inward(own(env.extra, word.slice("extra.".length)), tree);
  }
}

function joined(tree: Tree, place: Place, decides: boolean): Value {
  let answer: boolean | null = !decides;
  for (const part of args(tree)) {
    const found = value(part, place);
    if (found === decides) return decides;
    if (found === null) answer = null;
  }
  return answer;
}

function number(tree: Tree, scale: number, place: Place): bigint | null {
  const found = value(tree, place);
  return found === null ? null : (found as bigint) * power(scale - (tree.s ?? 0));
}

/** Return both sides, numbers brought to one scale. */
function pair(left: Tree, right: Tree, place: Place): [Value, Value] {
  if (!isNumber(left)) return [value(left, place), value(right, place)];
  const scale = Math.max(left.s ?? 0, right.s ?? 0);
  return [number(left, scale, place), number(right, scale, place)];
}

function equal(left: Tree, right: Tree, place: Place): boolean {
  const [one, two] = isNumber(left) && isNumber(right) ? pair(left, right, place) : [value(left, place), value(right, place)];
  return one === two;
}

function ordered(tree: Tree, place: Place): Value {
  const [one, two] = pair(arg(tree, 0), arg(tree, 1), place);
  if (one === null || two === null) return null;
  const order = compare(one, two);
  if (tree.o === "lt") return order < 0;
  if (tree.o === "le") return order <= 0;
  return tree.o === "gt" ? order > 0 : order >= 0;
}

function compare(one: Value, two: Value): number {
  if (typeof one === "bigint" && typeof two === "bigint") return one < two ? -1 : one > two ? 1 : 0;
  return compareText(String(one), String(two));
}

/** Order by code point; JavaScript's own `<` goes by 16-bit halves. */
export function compareText(one: string, two: string): number {
  const shorter = Math.min(one.length, two.length);
  for (let at = 0; at < shorter; at += 1) {
    const left = one.charCodeAt(at);
    const right = two.charCodeAt(at);
    if (left !== right) {
      const leftHigh = left >= 0xd800 && left <= 0xdfff;
      const rightHigh = right >= 0xd800 && right <= 0xdfff;
      if (leftHigh !== rightHigh) return leftHigh ? 1 : -1;
      return left - right;
    }
  }
  return one.length - two.length;
}

function within(tree: Tree, place: Place): Value {
  const needle = arg(tree, 0);
  const hay = arg(tree, 1);
  if (value(needle, place) === null) return null;
  if (hay.o === "list") {
    let answer: boolean | null = false;
    for (const item of args(hay)) {
      const [one, two] = pair(needle, item, place);
      if (one === two) return true;
      if (two === null) answer = null;
    }
    return answer;
  }
  const wanted = value(needle, place);
  return (value(hay, place) as readonly unknown[]).some((item) => (own(item, "id") ?? item) === wanted);
}

function reckoned(tree: Tree, place: Place): Value {
  const scale = tree.s ?? 0;
  const left = arg(tree, 0);
  if (tree.o === "rescale") {
    const found = value(left, place) as bigint | null;
    if (found === null) return null;
    const change = scale - (left.s ?? 0);
    return change >= 0 ? found * power(change) : halfEven(found, power(-change));
  }
  if (tree.o === "neg") {
    const found = value(left, place) as bigint | null;
    return found === null ? null : -found;
  }
  const right = arg(tree, 1);
  if (tree.o === "mul" || tree.o === "div") {
    const one = value(left, place) as bigint | null;
    const two = value(right, place) as bigint | null;
    if (one === null || two === null) return null;
    if (tree.o === "mul") return one * two;
    return two === 0n ? null : halfEven(one * power(DIVISION_SCALE + (right.s ?? 0) - (left.s ?? 0)), two);
  }
  const one = number(left, scale, place);
  const two = number(right, scale, place);
  if (one === null || two === null) return null;
  if (tree.o === "add") return one + two;
  if (tree.o === "sub") return one - two;
  return two === 0n ? null : one % two;
}

// ---------------------------------------------------------------- functions

function called(tree: Tree, place: Place): Value {
  const word = tree.v as string;
  const scale = tree.s ?? 0;
  if (word === "or_else" || word === "min" || word === "max") {
    const found = args(tree).map((part) => (isNumber(tree) ? number(part, scale, place) : value(part, place)));
    if (word === "or_else") return found[0] ?? found[1] ?? null;
    return found.includes(null) ? null : extreme(found, word === "min");
  }
  const found = args(tree).map((part) => value(part, place));
  const first = found[0] ?? null;
  if (word === "is_empty") return first === null || first === "" || (Array.isArray(first) && first.length === 0);
  if (found.includes(null)) return null;
  const second = found[1] ?? "";
  switch (word) {
    case "size":
      return BigInt(Array.isArray(first) ? first.length : [...(first as string)].length);
    case "contains":
      return (first as string).includes(second as string);
    case "starts_with":
      return (first as string).startsWith(second as string);
    case "ends_with":
      return (first as string).endsWith(second as string);
    case "lower":
      return (first as string).replace(/[A-Z]+/g, (part) => part.toLowerCase());
    case "upper":
      return (first as string).replace(/[a-z]+/g, (part) => part.toUpperCase());
    case "number":
      return first;
    case "abs":
      return (first as bigint) < 0n ? -(first as bigint) : first;
    case "time":
    case "hour":
    case "minute":
      return onClock(word, arg(tree, 0).k, first as string, second as string, place.env);
    case "days_between":
    case "business_days_between":
      return counted(word, localDay(arg(tree, 0).k, first as string, place.env), localDay(arg(tree, 1).k, second as string, place.env), place.env);
    case "add_months":
    case "add_business_days":
      return later(word, localDay(arg(tree, 0).k, first as string, place.env), found[1] as bigint, place.env);
    default:
      return onDay(word, arg(tree, 0).k, first as string, second as string, place.env);
  }
}

function extreme(values: readonly Value[], least: boolean): Value {
  let best: Value = null;
  for (const found of values) {
    if (best === null || (least ? compare(found, best) < 0 : compare(found, best) > 0)) best = found;
  }
  return best;
}

function localDay(kind: string, raw: string, env: Env): string | null {
  return kind === "datetime" ? localDate(raw, env.zone) : raw;
}

function onClock(word: string, kind: string, raw: string, zone: string, env: Env): Value {
  const clock = kind === "datetime" ? localTime(raw, zone === "" ? env.zone : zone) : raw;
  if (clock === null || word === "time") return clock;
  return BigInt(word === "hour" ? clock.slice(0, 2) : clock.slice(3, 5));
}

function counted(word: string, one: string | null, two: string | null, env: Env): Value {
  if (one === null || two === null) return null;
  return BigInt(word === "days_between" ? ordinal(two) - ordinal(one) : businessDays(one, two, env.calendar));
}

function later(word: string, day: string | null, count: bigint, env: Env): Value {
  if (day === null) return null;
  if (word === "add_business_days") {
    return count < -FAR_BUSINESS || count > FAR_BUSINESS ? null : businessDayAfter(day, Number(count), env.calendar);
  }
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const months = BigInt(year * 12 + month - 1) + count;
  if (months < 12n || months > 119_999n) return null;
  const [toYear, toMonth] = [Math.floor(Number(months) / 12), (Number(months) % 12) + 1];
  return ymd(toYear, toMonth, Math.min(date, daysIn(toYear, toMonth)));
}

function daysIn(year: number, month: number): number {
  return month === 12 ? 31 : ordinal(ymd(year, month + 1, 1)) - ordinal(ymd(year, month, 1));
}

function onDay(word: string, kind: string, raw: string, zone: string, env: Env): Value {
  const day = kind === "datetime" ? localDate(raw, zone === "" ? env.zone : zone) : raw;
  if (day === null) return null;
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  switch (word) {
    case "date":
      return day;
    case "days_since":
      return BigInt(ordinal(env.today) - ordinal(day));
    case "days_until":
      return BigInt(ordinal(day) - ordinal(env.today));
    case "business_days_since":
      return BigInt(businessDays(day, env.today, env.calendar));
    case "business_days_until":
      return BigInt(businessDays(env.today, day, env.calendar));
    case "is_business_day":
      return ordinal(day) === 1 ? null : businessDays(dayText(ordinal(day) - 1) ?? day, day, env.calendar) === 1;
    case "start_of_week":
      return dayText(ordinal(day) - ((ordinal(day) + 6) % 7));
    case "start_of_month":
      return ymd(year, month, 1);
    case "start_of_quarter":
      return ymd(year, Math.floor((month - 1) / 3) * 3 + 1, 1);
    case "start_of_year":
      return ymd(year, 1, 1);
    case "end_of_month":
      return dayText((month === 12 ? ordinal(ymd(year, 12, 31)) + 1 : ordinal(ymd(year, month + 1, 1))) - 1);
    case "year":
      return BigInt(year);
    case "month":
      return BigInt(month);
    case "day":
      return BigInt(date);
    case "weekday":
      return BigInt(((ordinal(day) + 6) % 7) + 1);
    default:
      throw new Error(`the function ${word} is not known here`);
  }
}

// ---------------------------------------------------------------- days and moments

function ymd(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

/** Return the number of a day; 0001-01-01, a Monday, is 1. */
export function ordinal(day: string): number {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + date - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 305;
}

/** Return the day of a number, or null outside the years 1 to 9999. */
export function dayText(number: number): string | null {
  if (number < 1 || number > LAST_DAY) return null;
  const shifted = number + 305;
  const era = Math.floor(shifted / 146_097);
  const rest = shifted - era * 146_097;
  const ofEra = Math.floor(
    (rest - Math.floor(rest / 1_460) + Math.floor(rest / 36_524) - Math.floor(rest / 146_096)) / 365,
  );
  const ofYear = rest - (365 * ofEra + Math.floor(ofEra / 4) - Math.floor(ofEra / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1;
  return ymd(era * 400 + ofEra + (month >= 10 ? 1 : 0), month < 10 ? month + 3 : month - 9, day);
}

/** Return microseconds since 0001-01-01 in UTC, or null when the text names no moment. */
function momentMicros(text: string): bigint | null {
  const match =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(?:Z|([+-])(\d\d):?(\d\d))$/.exec(text);
  if (match === null) return null;
  const at = (group: number): number => Number(match[group] ?? 0);
  const seconds = (at(2) * 60 + at(3)) * 60 + at(4);
  const offset = (at(7) * 60 + at(8)) * 60 * (match[6] === "-" ? -1 : 1);
  const micros = BigInt((match[5] ?? "").padEnd(6, "0") || "0");
  return BigInt(ordinal(match[1] ?? "") - 1) * DAY_US + BigInt(seconds - offset) * 1_000_000n + micros;
}

function momentText(micros: bigint | null): string | null {
  if (micros === null) return null;
  const days = floorDiv(micros, DAY_US);
  const day = dayText(Number(days) + 1);
  if (day === null) return null;
  const rest = micros - days * DAY_US;
  const seconds = Number(rest / 1_000_000n);
  const clock = clockText(Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60);
  return `${day}T${clock}.${String(rest % 1_000_000n).padStart(6, "0")}Z`;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function local(moment: string, zone: string): (part: string) => number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      era: "short",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  const parts = new Map(format.formatToParts(new Date(moment)).map((part) => [part.type as string, part.value]));
  // Before the year 1 and after 9999 there is no date.
  const year = Number(parts.get("year"));
  if (parts.get("era")?.startsWith("B") || year > 9999) return () => 0;
  return (part) => Number(parts.get(part));
}

function localDate(moment: string, zone: string): string | null {
  const part = local(moment, zone);
  return part("year") === 0 ? null : ymd(part("year"), part("month"), part("day"));
}

function localTime(moment: string, zone: string): string | null {
  const part = local(moment, zone);
  return part("year") === 0 ? null : clockText(part("hour"), part("minute"), part("second"));
}

function clockText(hour: number, minute: number, second: number): string {
  return [hour, minute, second].map((part) => String(part).padStart(2, "0")).join(":");
}

function businessDays(from: string, to: string, calendar: Calendar | undefined): number {
  const known = calendar ?? { weekdays: [0, 1, 2, 3, 4], exceptions: [] };
  if (from > to) return -businessDays(to, from, known);
  const first = ordinal(from);
  const last = ordinal(to);
  let days = 0;
  for (const weekday of known.weekdays) {
    days += Math.floor((last - 1 - weekday) / 7) - Math.floor((first - 1 - weekday) / 7);
  }
  for (const [day, change] of known.exceptions) {
    if (day > from && day <= to) days += change;
  }
  return days;
}

/** Return the working day `count` working days later; from a free day the count starts at the next working day. */
function businessDayAfter(day: string, count: number, calendar: Calendar | undefined): string | null {
  const known = calendar ?? { weekdays: [0, 1, 2, 3, 4], exceptions: [] };
  const odd = new Map(known.exceptions);
  const works = (at: number): boolean => {
    const change = odd.get(dayText(at) ?? "");
    return change === undefined ? known.weekdays.includes((at + 6) % 7) : change > 0;
  };
  let at = ordinal(day);
  for (let left = IDLE; !works(at); at += 1, left -= 1) if (left === 0) return null;
  const step = count < 0 ? -1 : 1;
  for (let left = Math.abs(count), idle = 0; left > 0; ) {
    at += step;
    if (at < 1 || at > LAST_DAY) return null;
    idle = works(at) ? 0 : idle + 1;
    if (idle > IDLE) return null;
    if (idle === 0) left -= 1;
  }
  return dayText(at);
}

function moved(tree: Tree, place: Place): Value {
  const one = value(arg(tree, 0), place) as string | null;
  const two = value(arg(tree, 1), place);
  if (one === null || two === null) return null;
  switch (tree.o) {
    case "date_add":
      return dayText(ordinal(one) + Number(floorDiv(two as bigint, DAY_US)));
    case "date_sub":
      return dayText(ordinal(one) - Number(floorDiv(two as bigint, DAY_US)));
    case "date_diff":
      return BigInt(ordinal(one) - ordinal(two as string)) * DAY_US;
    case "moment_add":
      return momentText((momentMicros(one) ?? 0n) + (two as bigint));
    case "moment_sub":
      return momentText((momentMicros(one) ?? 0n) - (two as bigint));
    case "moment_diff":
      return (momentMicros(one) ?? 0n) - (momentMicros(two as string) ?? 0n);
    default:
      throw new Error(`the construct ${tree.o} is not known here`);
  }
}

// ---------------------------------------------------------------- line items

function lines(tree: Tree, place: Place): Value[] {
  const rows = value(arg(tree, 0), place) as unknown as readonly Row[];
  const word = tree.v as string;
  return rows.map((row) => value(arg(tree, 1), { ...place, rows: new Map(place.rows).set(word, row) }));
}

function searched(tree: Tree, place: Place): Value {
  const decides = tree.o === "exists";
  const found = lines(tree, place);
  if (found.includes(decides)) return decides;
  return found.includes(null) ? null : !decides;
}

function gathered(tree: Tree, place: Place): Value {
  const found = lines(tree, place).filter((one) => one !== null);
  if (tree.o === "count") return BigInt(found.filter((one) => one !== false).length);
  if (tree.o === "min" || tree.o === "max") return extreme(found, tree.o === "min");
  const total = (found as bigint[]).reduce((sum, one) => sum + one, 0n);
  if (tree.o === "sum") return total;
  if (found.length === 0) return null;
  const shift = DIVISION_SCALE - (arg(tree, 1).s ?? 0);
  return halfEven(total * power(shift), BigInt(found.length));
}
