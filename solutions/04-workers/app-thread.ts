/**
 * A thread of the pool that has the application: it gets requests, and sends responses back.
 */

import { workerData } from 'node:worker_threads';

import { HttpError } from '../02-http/index.ts';
import type { HeaderPair } from '../02-http/index.ts';
import { app } from './app.ts';
import type { AppRequest } from './app.ts';
import { serveTasks } from './serve-tasks.ts';
import type { AppSettings } from './settings.ts';

/** A response as it crosses from thread to thread; an error that is an answer crosses in the same way. */
export interface AppResult {
  readonly status: number;
  readonly headers: readonly HeaderPair[];
  /** Transferred, not copied. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The response is made from an HttpError: its body is the message. */
  readonly failed: boolean;
}

const answer = app({ ...(workerData as AppSettings), waits: 'blocking', stats: nowhere, onServed: () => {} });

serveTasks<AppRequest, AppResult>(async (request) => {
  const result = await resultOf(request);
  return { result, transfer: [result.body.buffer] };
});

async function resultOf(request: AppRequest): Promise<AppResult> {
  try {
    const { status, headers, body } = await answer(request);
    return { status, headers, body: bytesOf(body as string), failed: false };
  } catch (error) {
    // An object loses its class on the way to another thread, but keeps the data that make it an answer.
    if (error instanceof HttpError) return { status: error.status, headers: error.headers, body: bytesOf(error.message), failed: true };
    throw error;
  }
}

/** In a buffer of its own: one from Node's common pool cannot be transferred. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function nowhere(): never {
  throw new Error('the loop answers for the statistics, not its threads');
}
