/** 7.9: the error page, asked of the function itself. */
import { pathToFileURL } from 'node:url';
import type { Door } from './door.ts';

/** Things that can be thrown and are not a friendly Error. */
const ODD: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  string: () => 'only a text <b>',
  number: () => 42,
  symbol: () => Symbol('odd'),
  'object without a prototype': () => Object.create(null),
  'error without a stack': () => Object.assign(new Error('no stack'), { stack: undefined }),
  'error whose stack is no text': () => Object.assign(new Error('numbers'), { stack: 17 }),
  'error that is its own cause': () => {
    const error = new Error('round and round');
    error.cause = error;
    return error;
  },
  'error in a file that is gone': () => Object.assign(new Error('gone'), { stack: 'Error: gone\n    at f (file:///no/such/file.ts:3:5)\n    at /no/such/other.js:1:1' }),
};

export const oddErrors: readonly string[] = Object.keys(ODD);

export function developCalls(chapter: Door) {
  return {
    /** The page of what importing this module throws, or calling its export `run`. */
    errorPageOf: async (file: string, options: { production: boolean }): Promise<string> => {
      try {
        const { run } = (await import(pathToFileURL(file).href)) as { run?: () => unknown };
        await run?.();
      } catch (error) {
        return chapter.errorPage(error, options);
      }
      throw new Error('nothing was thrown');
    },
    errorPageOfOdd: (name: string, options: { production: boolean }): string => chapter.errorPage(ODD[name]!(), options),
    errorPageOfMessage: (message: string, options: { production: boolean }): string => chapter.errorPage(new Error(message), options),
  };
}
