/** The types of requirements.mjs, which is JavaScript for the sake of an old Node. */

export function satisfies(version: string, range: string): boolean;
export function neededNode(root: string): string;
export function inWords(range: string): string;
export function newerFix(version: string): string | undefined;
export function nodeProblem(version: string, root: string, env: NodeJS.ProcessEnv): string | undefined;
export function installAdvice(root: string, env: NodeJS.ProcessEnv, needsNode: boolean): { readonly command: string; readonly why: string | undefined };
export function placeProblem(root: string): string | undefined;
