/** The proof, by node:crypto's one-shot hash. */

import { hash } from 'node:crypto';

export const acceptKey = (key: string): string => hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64');
