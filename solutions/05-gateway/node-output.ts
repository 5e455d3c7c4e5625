/**
 * An application's response, written by `node:http`: what chapter 02's server does by itself has to be done here.
 */

import type { ServerResponse } from 'node:http';

import { mayHaveBody } from '../02-http/index.ts';
import type { AppResponse } from './call-app.ts';
import { GatewayError } from './gateway-error.ts';
import { fieldValue } from './response-head.ts';

/**
 * Sends a response: each part when the previous one has gone, no more than its Content-Length, and no end if it is
 * shorter.
 *
 * @throws what the body throws, and a GatewayError if it is too short: the connection must be closed then
 */
export async function sendResponse(
  response: ServerResponse,
  answered: AppResponse,
  report: (error: unknown) => void,
): Promise<void> {
  try {
    await send(response, answered, report);
  } finally {
    // In every case, even if no part was asked for (G53).
    if (!(answered.body instanceof Uint8Array)) answered.body.close();
  }
}

async function send(
  response: ServerResponse,
  { status, reason, headers, body }: AppResponse,
  report: (error: unknown) => void,
): Promise<void> {
  const declared = fieldValue(headers, 'content-length');
  const fields = headers.flat();
  const sendsBody = mayHaveBody(status, response.req.method ?? 'GET');
  const known = body instanceof Uint8Array && (sendsBody || body.length > 0) && status !== 204 && status !== 304;
  if (declared === undefined && known) fields.push('Content-Length', String(status === 205 ? 0 : body.length));
  response.writeHead(status, reason, fields);
  if (!sendsBody) {
    response.end();
    return;
  }
  const left = await sendParts(response, body instanceof Uint8Array ? [body] : body, Number(declared ?? NaN), report);
  if (left > 0) {
    report(new GatewayError('G56', `the body is ${left} bytes shorter than its Content-Length`));
    response.destroy();
    return;
  }
  response.end();
}

/** @returns how many bytes are missing; NaN where no length was promised */
async function sendParts(
  response: ServerResponse,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  length: number,
  report: (error: unknown) => void,
): Promise<number> {
  let left = length;
  for await (const part of parts) {
    if (part.length > left) report(new GatewayError('G55', 'the body is longer than its Content-Length; it was cut'));
    if (part.length > 0 && !await sendPart(response, part.length > left ? part.subarray(0, left) : part)) break;
    left -= part.length;
    if (left < 0) break;
  }
  return left;
}

/** True once the kernel has it, false if it never will. */
function sendPart(response: ServerResponse, part: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const gone = (): void => resolve(false);
    response.once('close', gone);
    response.write(part, (error) => {
      response.off('close', gone);
      resolve(error === undefined || error === null);
    });
  });
}
