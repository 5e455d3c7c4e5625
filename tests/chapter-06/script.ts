/**
 * Scripts for applications: what they send and receive, in which order, and how they end, as a test writes it. What is
 * done with them is in scripted-app.ts.
 */

/** An event as a test writes it: a string as a body is its bytes. Anything may be in it. */
export type LooseEvent = Record<string, unknown>;

/** One thing that the application does. */
export type Step =
  /** Awaits it; `as` is what its outcome is noted by. What is refused does not end the script. */
  | { do: 'send'; event: LooseEvent; as?: string }
  /** As `send`, and what is refused is thrown on. */
  | { do: 'must send'; event: LooseEvent }
  /** Does not await it; notes its outcome when it has one. */
  | { do: 'fire'; event: LooseEvent; as: string }
  /** Does not even look at it. */
  | { do: 'forget'; event: LooseEvent }
  /** Notes the event, or the error. */
  | { do: 'receive'; as: string }
  /** As `receive`, without awaiting it. */
  | { do: 'receive beside'; as: string }
  /** Receives to the end of the body, and lets errors through. */
  | { do: 'gather' }
  /** Answers with the events of `gather`. */
  | { do: 'tell' }
  /** Sends back each part of the body in capitals, as it comes. */
  | { do: 'echo' }
  /** This many parts of this many bytes, each awaited; `flooded` is noted with each. */
  | { do: 'flood'; parts: number; bytes: number }
  /** This many parts in one turn, none awaited; notes their outcomes. */
  | { do: 'burst'; parts: number; bytes: number; as: string }
  | { do: 'note'; text: string }
  | { do: 'gate'; name: string }
  /** Puts something into the state, below a key or a key of what is there. */
  | { do: 'put'; path: readonly [string] | readonly [string, string]; value: unknown }
  /** Notes the state. */
  | { do: 'state'; as: string }
  /** Waits until `scope.signal` aborts. */
  | { do: 'signal' }
  /** Waits until `scope.stopping` aborts. */
  | { do: 'stopping' }
  | { do: 'throw'; what: Thrown };

/** `plain`, one with a secret; `answer`, one that is an answer, of 418; `abort`, an AbortError; `disconnect`, a DisconnectError. */
export type Thrown = 'plain' | 'answer' | 'abort' | 'disconnect' | 'text' | 'undefined';

/** The secret in the errors that applications throw: no client may ever see it. */
export const SECRET = 'the password is sesame';

/** An event of `gather`. */
export interface Gathered {
  type: string;
  latin1: string;
  moreBody: boolean;
}

/** The start and the whole body: the shortest answer. */
export function answer(text: string, status = 200): Step[] {
  return [
    { do: 'must send', event: { type: 'http.response.start', status, headers: [['content-type', 'text/plain']] } },
    { do: 'must send', event: { type: 'http.response.body', body: text } },
  ];
}

export function start(status: number, headers: readonly (readonly [string, string])[] = []): LooseEvent {
  return { type: 'http.response.start', status, headers };
}

export function body(text: string, moreBody?: boolean): LooseEvent {
  return { type: 'http.response.body', body: text, ...(moreBody !== undefined && { moreBody }) };
}

/** The letter of a part, over and over. */
export function letterOf(index: number): number {
  return 97 + (index % 26);
}
