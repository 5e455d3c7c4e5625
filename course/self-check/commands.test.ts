import { describe, expect, test } from 'vitest';
import { commandFault } from './commands.ts';

describe('a command that can be typed', () => {
  test.each([
    'npm ci && npm start',
    'npm test',
    'npm test chapter-01',
    'npm test 1.4 -- --seed 42',
    'npm test 01-echo',
    'npm run serve chapter-01 -- --port 7000',
    'npm run serve chapter-05 -- --solution --log none --app FILE:EXPORT',
    'npm run bench designs -- --mine',
    'npm run bench',
    'npm run update -- --dry-run',
    'npx node course/ten.mjs pack-starters',
    'npx tsx course/self-check/lessons.ts --write',
    'npm run hint 4.2',
    'npm run X',
    'npx tsx course/submissions.ts chapter-01',
    'npx tsx FILE',
    'curl -s http://127.0.0.1:7000/',
    'printf x | nc 127.0.0.1 7000',
  ])('%s', (command) => expect(commandFault(command)).toBeUndefined());
});

describe('a command that cannot', () => {
  test.each([
    ['npm run serv chapter-01', 'no script serv'],
    ['npm ci && npm run nothing', 'no script nothing'],
    ['npm test 1.9', 'no exercise 1.9'],
    ['npm test chapter-11', 'no chapter chapter-11'],
    ['npm test 01-http', 'chapter 1 is 01-echo'],
    ['npx tsx course/nowhere.ts', 'does not exist'],
    ['node course/submissions.ts', 'npx tsx'],
    ['npm publish', 'does not use npm publish'],
    ['npm test 1.4 -- --sed 42', 'no option --sed'],
    ['npm run check -- --subject DIR --jsn FILE chapter-01', 'no option --jsn'],
    ['npm run serve chapter-01 -- --prt 7000', 'no option --prt'],
    ['npm run bench designs -- --mien', 'no option --mien'],
    ['npx node course/ten.mjs pack-starter', 'no command pack-starter'],
    ['npx tsx course/self-check/lessons.ts --rite', 'no option --rite'],
  ])('%s', (command, why) => expect(commandFault(command)).toContain(why));
});
