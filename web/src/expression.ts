/**
 * Expressions in the browser: the checked tree that the server sends is evaluated by the same rules as there.
 * The evaluator is loaded by the first form that has an expression.
 */
import type { Env, Tree } from "./expr";

export type Values = Record<string, unknown>;
export type Evaluate = (tree: unknown, record: Values, env: unknown) => unknown;

let evaluator: Promise<Evaluate> | undefined;

export function loadEvaluator(): Promise<Evaluate> {
  evaluator ??= import("./expr").then(({ evaluate }) => (tree, record, env) => (tree ? evaluate(tree as Tree, record, env as Env) : null));
  return evaluator;
}
