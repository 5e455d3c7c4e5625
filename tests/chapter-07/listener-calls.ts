/** 7.1: what a bind means, asked of the function itself. */
import type { Bind, Door } from './door.ts';

/** What became of parseBind. */
export type Parsed = { bind: Bind } | { refused: string; message: string };

export function listenerCalls(chapter: Door) {
  return {
    parseBinds: (texts: readonly string[]): Parsed[] =>
      texts.map((text) => {
        try {
          return { bind: chapter.parseBind(text) };
        } catch (error) {
          if (!(error instanceof Error) || 'exercise' in error) throw error;
          return { refused: error.name, message: error.message };
        }
      }),
  };
}
