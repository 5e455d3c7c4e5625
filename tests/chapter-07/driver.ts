/**
 * What the tests of chapter 07 do inside the process of the code under test: start masters, which are processes of their
 * own, send them signals, and look at what they say and start (masters.ts).
 *
 * The calls of an exercise are in a file of their own, such as `configureCalls(chapter, masters)`, whose result is spread
 * below. Two of them must not share a name.
 */
import type { Door } from './door.ts';
import { driver } from '#support/driver.ts';
import { configurationCalls } from './configuration-calls.ts';
import { developCalls } from './develop-calls.ts';
import { eyeCalls } from './eye-calls.ts';
import { listenerCalls } from './listener-calls.ts';
import { masterCalls, Masters } from './masters.ts';

export default driver<Door>()('07-prefork', (chapter) => {
  const masters = new Masters();
  return {
    ...masterCalls(masters),
    // 7.1
    ...listenerCalls(chapter),
    // 7.8
    ...eyeCalls(chapter),
    // 7.9
    ...developCalls(chapter),
    // 7.7
    ...configurationCalls(chapter, masters),
  };
});
