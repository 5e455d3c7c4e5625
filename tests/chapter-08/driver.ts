/**
 * What the tests of chapter 08 do inside the process of the code under test: start servers, and ask what became of them.
 *
 * The calls of an exercise that has more are in a file of their own, whose result is spread below. Two of them must not
 * share a name.
 */
import type { Door } from './door.ts';
import { driver } from '#support/driver.ts';
import { limitCalls } from './limit-calls.ts';
import { mainCalls } from './main-calls.ts';
import { serverCalls, Servers } from './servers.ts';
import { timeCalls } from './time-calls.ts';

export default driver<Door>()('08-production', (chapter) => {
  const servers = new Servers(chapter);
  return {
    ...serverCalls(servers),
    // 8.1
    ...mainCalls(),
    // 8.2
    ...timeCalls(chapter),
    // 8.3
    ...limitCalls(chapter),
  };
});
