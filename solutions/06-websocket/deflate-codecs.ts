/**
 * Makes the codecs that inflate the peer's messages and deflate ours, as was agreed on (RFC 7692 §7.1).
 */

import { defaultDeflateTuning, Deflater, Inflater } from './deflate.ts';
import type { DeflateTuning } from './deflate.ts';
import type { DeflateParameters } from './deflate-parameters.ts';
import type { WebSocketRole } from './states.ts';

/** @param parameters `null` if permessage-deflate was not agreed on: then there are no codecs */
export function deflateCodecs(
  role: WebSocketRole,
  parameters: DeflateParameters | null,
  tuning: DeflateTuning = defaultDeflateTuning,
): [Inflater, Deflater] | [null, null] {
  if (parameters === null) return [null, null];
  const client = [parameters.clientMaxWindowBits, !parameters.clientNoContextTakeover] as const;
  const server = [parameters.serverMaxWindowBits, !parameters.serverNoContextTakeover] as const;
  return role === 'server'
    ? [new Inflater(...client), new Deflater(...server, tuning)]
    : [new Inflater(...server), new Deflater(...client, tuning)];
}
