/**
 * What the Autobahn suite checks, as data written anew from RFC 6455 and RFC 7692: its groups 1 to 7, 9, 10, 12 and 13.
 */

import { closingCases } from './closing.ts';
import { autoFragmentCases, fragmentCases } from './fragments.ts';
import type { FrameCase } from './frames.ts';
import { messageCases, opcodeCases, pingCases, reservedBitCases } from './messages.ts';
import { sizeCases } from './sizes.ts';
import { sequenceCases, textCases } from './utf8.ts';

export { brokenOffers, declinedOffers, deflateCases, testData } from './deflate-cases.ts';
export type { DeflateCase, TestData } from './deflate-cases.ts';
export { agreedParameters, DeflateClient } from './deflate-client.ts';
export type { AgreedParameters } from './deflate-client.ts';
export * from './frames.ts';
export { compareOutput, runCase, wireBytesOf } from './run-case.ts';
export type { Delivery, EchoSubject } from './run-case.ts';
export { inflateAlone, readServerFrame, readServerOutput } from './server-frames.ts';
export type { Inflate, ServerFrame, ServerOutput } from './server-frames.ts';
export { sizeCasesBytesMax, sizeCasesFragmentsMax } from './sizes.ts';

/** The groups, by what they are about. */
export const frameCases: Readonly<Record<string, readonly FrameCase[]>> = {
  '1 messages': messageCases,
  '2 pings and pongs': pingCases,
  '3 reserved bits': reservedBitCases,
  '4 reserved opcodes': opcodeCases,
  '5 fragments': fragmentCases,
  '6 UTF-8': [...textCases, ...sequenceCases],
  '7 closing': closingCases,
  '9 sizes': sizeCases,
  '10 many fragments': autoFragmentCases,
};
