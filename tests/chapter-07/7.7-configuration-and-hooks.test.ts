import { basename } from 'node:path';
import { exercise } from '#support/exercise.ts';
import { check } from '#support/failure.ts';
import { closing } from '#support/http-exchange.ts';
import { fieldValues } from '#support/http-response.ts';
import type { Asked, Outcome, WasLoaded } from './configuration-calls.ts';
import { drawOther, inCode, KNOWN, LAYERS, misspelt, named, nameIn, nothing, write } from './configuration-cases.ts';
import type { Known, Layer, Value, Written } from './configuration-cases.ts';
import type driver from './driver.ts';
import { Master, onWindows, showMaster, staged, until } from './stage.ts';
import type { Stage, TestWorld } from './stage.ts';

const APP = './app.ts:app';

exercise<typeof driver>('7.7', import.meta.url, (rule) => {
  rule(
    'last-word',
    'takes each setting from the last of file, environment and flags that names it',
    {
      rule: 'a flag is stronger than the environment, the environment than the file, the file than the default; each setting by itself',
      likely: 'a layer replaces all settings of the one before it, or one is put on top in the wrong order',
    },
    staged(async ({ world }) => {
      const { random } = world;
      const trials: { written: Written; expected: Map<Known, { value: Value; layers: string }> }[] = [];
      for (let trial = 0; trial < 12; trial++) {
        const written = nothing();
        const expected = new Map<Known, { value: Value; layers: string }>();
        for (const one of random.shuffle(KNOWN).slice(0, 9)) {
          const layers = LAYERS.filter(() => random.boolean());
          // All others say something else than the last, so that it is seen whose word it is.
          const last = one.draw(random);
          const values = layers.map((layer) => (layer === layers.at(-1) ? last : drawOther(one, random, last)));
          for (const [index, layer] of layers.entries()) write(written, layer, one, values[index]!);
          if (layers.length > 0) expected.set(one, { value: inCode(one, last), layers: `${one.flag} in ${layers.join(' and ')}: ${values.join(', ')}` });
        }
        trials.push({ written, expected });
      }
      const outcomes = await loadAll(world, trials.map(({ written }) => written));
      for (const [index, { expected }] of trials.entries()) {
        const { settings } = loaded(outcomes[index]!, 'settings in three layers');
        for (const [{ key }, { value, layers }] of expected) {
          check(settings[key] === value, { sent: layers, received: `${key}: ${JSON.stringify(settings[key])}`, expected: `${key}: ${JSON.stringify(value)}` });
        }
      }
    }),
  );

  rule(
    'rest-is-default',
    'leaves what nobody names at its default, and the variables of others alone',
    {
      rule: 'a setting that no layer names has its default; an environment variable is a setting only if its name begins with TEN_SERVER_',
      likely: 'every variable that begins with TEN_ is taken for a setting',
    },
    staged(async ({ world }) => {
      const defaults = await world.call('defaults');
      const env = { TEN_SEED: '7', TEN_WORKERS: '7', TEN_SERVERS: '7', WORKERS: '7', ten_server_workers: '7', PATH: '/bin' };
      const [outcome] = await world.call('loadAll', [{ argv: [APP], env }]);
      const { settings, action } = loaded(outcome!, 'a command line with an application and nothing else');
      const expected: Record<string, unknown> = { ...defaults, app: APP };
      for (const [key, value] of Object.entries(expected)) {
        const received = (settings as unknown as Record<string, unknown>)[key];
        check(received === value, { sent: `environment: ${Object.keys(env).join(', ')}`, received: `${key}: ${JSON.stringify(received)}`, expected: `${key}: ${JSON.stringify(value)}` });
      }
      check(action === 'run', { sent: APP, received: `action ${action}`, expected: "action 'run'" });
    }),
  );

  rule(
    'file-may-be-a-module',
    'reads the same settings from a JSON file and from a module, and reads them anew each time',
    {
      rule: 'a file that ends in .json holds JSON, any other one is a module whose default export is the settings; both are read again at each call, since a reload must see what has changed',
      likely: 'import() gives the module that it has loaded before: a different URL, such as one with a query, is another module',
    },
    staged(async ({ world }) => {
      const { random } = world;
      const drawn = random.shuffle(KNOWN).slice(0, 5);
      const before = drawn.map((one) => one.draw(random));
      const after = drawn.map((one, index) => drawOther(one, random, before[index]!));
      for (const file of ['settings.json', 'settings.mjs', 'settings.ts']) {
        for (const values of [before, after]) {
          const content = Object.fromEntries(drawn.map(({ fileKey }, index) => [fileKey, values[index]]));
          const path = await world.call('writeFile', file, fileText(file, content));
          const asked = [{ argv: [APP, '--config', path] }, { argv: [APP, `--config=${file}`] }];
          for (const outcome of await world.call('loadAll', asked)) {
            const sent = `--config ${file}${values === after ? ', which has been changed since it was read' : ''}`;
            const { settings, configFile } = loaded(outcome, sent);
            check(configFile !== null && basename(configFile) === file, { sent, received: `configFile: ${configFile}`, expected: `configFile: the path of ${file}` });
            for (const [index, one] of drawn.entries()) {
              const value = inCode(one, values[index]!);
              check(settings[one.key] === value, { sent: `${sent}: ${JSON.stringify(content)}`, received: `${one.key}: ${JSON.stringify(settings[one.key])}`, expected: `${one.key}: ${JSON.stringify(value)}` });
            }
          }
        }
      }
    }),
  );

  rule(
    'unknown-names',
    'refuses a name that does not exist, wherever it is written, and says which one is like it',
    {
      rule: 'an unknown flag, TEN_SERVER_ variable, name in a file or name of a hook is a SettingsError that says what was written and which name is nearest',
      likely: 'only the known names of a layer are looked up, so that a misspelt one is ignored',
    },
    staged(async ({ world }) => {
      const { random } = world;
      const keys = ['backlog', 'interface', 'lifetimeMs', 'gracefulTimeoutMs', 'controlSocket', 'accessLogFormat', 'captureOutput'] as const;
      const cases = [];
      for (const layer of LAYERS) {
        const one = named(random.pick(keys));
        const right = nameIn(layer, one);
        // The beginning says in which layer it is.
        const wrong = misspelt(right, random, { file: 1, environment: 'TEN_SERVER_'.length + 1, flags: 3 }[layer]);
        const written = nothing();
        write(written, layer, { ...one, flag: wrong.replace(/^--/, ''), fileKey: wrong, env: wrong }, one.key === 'captureOutput' ? true : one.draw(random));
        cases.push({ layer, wrong, right, written });
      }
      const module = { layer: 'file', wrong: 'wokers', right: 'workers', written: { ...nothing(), module: `export default { wokers: 2 };\n` } };
      const hook = { layer: 'hooks', wrong: 'whenRedy', right: 'whenReady', written: { ...nothing(), module: 'export default { hooks: { whenRedy() {} } };\n' } };
      const all = [...cases, module, hook];
      const outcomes = await loadAll(world, all.map(({ written }) => written));
      for (const [index, { layer, wrong, right }] of all.entries()) {
        const message = refusal(outcomes[index]!, `${wrong} (${layer})`, 'a SettingsError that names it');
        for (const name of [wrong, right]) {
          check(message.includes(name), { sent: `${wrong} (${layer})`, received: message, expected: `a message with ${wrong}, and with ${right}, which is like it` });
        }
      }
      // Names that every object has.
      const inherited = [{ file: '{ "constructor": 1 }' }, { file: '{ "__proto__": 1 }' }, { file: '{ "toString": 1 }' }];
      const paths = await Promise.all(inherited.map(({ file }, index) => world.call('writeFile', `inherited-${index}.json`, file)));
      const refused = await world.call('loadAll', [...paths.map((path) => ({ argv: [APP, '--config', path] })), { argv: [APP], env: { TEN_SERVER_CONSTRUCTOR: '1' } }]);
      for (const [index, outcome] of refused.entries()) {
        refusal(outcome, inherited[index]?.file ?? 'TEN_SERVER_CONSTRUCTOR=1', 'a SettingsError: there is no such setting');
      }
    }),
  );

  rule(
    'names-the-culprit',
    'says of a value that is not allowed where it was written, what it is, and what is allowed',
    {
      rule: 'every layer is checked; the message has the name as its author wrote it (flag, variable, or name and file), the value, and a limit or what may be chosen',
      likely: 'values of a file are believed, or the message names the setting without the place where it is to be mended',
    },
    staged(async ({ world }) => {
      const { random } = world;
      const bad: readonly { one: Known; value: Value; limits: readonly string[] }[] = [
        { one: named('workers'), value: 0, limits: ['1'] },
        { one: named('workers'), value: random.integer(1025, 9999), limits: ['1024'] },
        { one: named('workers'), value: 2.5, limits: ['whole', 'integer', '1024'] },
        { one: named('backlog'), value: random.integer(65_536, 99_999), limits: ['65535'] },
        { one: named('timeoutMs'), value: 0.05, limits: ['0.1'] },
        { one: named('keepAliveMs'), value: 0, limits: ['0.1'] },
        { one: named('keepAliveMs'), value: 3601, limits: ['3600'] },
        { one: named('bootTries'), value: 101, limits: ['100'] },
        { one: named('workerClass'), value: 'threads', limits: ['sync', 'async'] },
        { one: named('interface'), value: 'nodejs', limits: ['gateway', 'fetch'] },
        { one: named('unfitSamples'), value: 'many', limits: ['100', 'number', 'integer'] },
        { one: named('captureOutput'), value: 'perhaps', limits: ['true', 'false', 'yes', '1'] },
        { one: named('bind'), value: 'nowhere', limits: ['port', 'PORT', '8000', 'unix'] },
        { one: named('metricsBind'), value: 'unix:/here', limits: ['port', 'PORT', '8000'] },
      ];
      const cases = bad.flatMap((each) => LAYERS.filter((layer) => layer !== 'flags' || each.one.key !== 'captureOutput').map((layer) => ({ ...each, layer })));
      const outcomes = await loadAll(world, cases.map(({ layer, one, value }) => {
        const written = nothing();
        write(written, layer, one, value);
        return written;
      }));
      for (const [index, { layer, one, value, limits }] of cases.entries()) {
        const name = nameIn(layer, one);
        const sent = `${name} = ${value}${layer === 'file' ? ' in a file' : ''}`;
        const message = refusal(outcomes[index]!, sent, 'a SettingsError');
        const digits = message.replaceAll(/(?<=\d)[,_](?=\d{3})/g, '');
        const parts = [name, String(value), ...(layer === 'file' ? [`settings-${index}`] : [])];
        for (const part of parts) check(digits.includes(part), { sent, received: message, expected: `a message with ${parts.join(', ')}, and what is allowed` });
        const says = (limit: string): boolean => new RegExp(`(?<![\\w./-])${limit.replace('.', '\\.')}(?!\\w)`).test(digits);
        check(limits.some(says), { sent, received: message, expected: `a message that says what is allowed: ${limits.join(' or ')}` });
      }
      const files = ['{ "workers": ', '[1]', 'null'];
      const paths = await Promise.all(files.map((text, index) => world.call('writeFile', `broken-${index}.json`, text)));
      const modules = ["throw new Error('broken');", 'export const workers = 2;', 'export default { hooks: { preFork: 3 } };'];
      for (const [index, text] of modules.entries()) paths.push(await world.call('writeFile', `broken-${index}.mjs`, text));
      paths.push('missing.json', 'missing.mjs');
      for (const [index, outcome] of (await world.call('loadAll', paths.map((path) => ({ argv: [APP, '--config', path] })))).entries()) {
        const file = basename(paths[index]!);
        const sent = `--config ${file}: ${[...files, ...modules][index] ?? 'there is no such file'}`;
        const message = refusal(outcome, sent, 'a SettingsError that names the file');
        check(message.includes(file), { sent, received: message, expected: `a message with ${file}` });
      }
    }),
  );

  rule(
    'contradictions',
    'refuses settings that contradict each other, and only those',
    {
      rule: 'it is the settings of all layers together that must make sense: jitter needs max-requests, reload takes one worker, a service needs an application; the message names both settings',
      likely: 'a layer is judged by itself, before the ones that come after it are there',
    },
    staged(async ({ world }) => {
      const { random } = world;
      const jitter: Known = { ...named('maxRequests'), key: 'maxRequestsJitter', flag: 'max-requests-jitter', fileKey: 'maxRequestsJitter', env: 'TEN_SERVER_MAX_REQUESTS_JITTER' };
      const reload: Known = { ...named('captureOutput'), key: 'reload', flag: 'reload', fileKey: 'reload', env: 'TEN_SERVER_RELOAD' };
      const together = (pairs: readonly (readonly [Known, Value])[]): { written: Written; sent: string } => {
        const written = nothing();
        const sent = pairs.map(([one, value]) => {
          const layer = random.pick(LAYERS);
          write(written, layer, one, value);
          return `${nameIn(layer, one)} = ${value}`;
        });
        return { written, sent: sent.join(', ') };
      };
      const workers = random.integer(2, 64);
      const wrong = [
        { ...together([[jitter, random.integer(1, 99)]]), names: [/max.?requests.?jitter/i, /max.?requests(?!.?jitter)/i] },
        { ...together([[jitter, 5], [named('maxRequests'), 0]]), names: [/max.?requests.?jitter/i, /max.?requests(?!.?jitter)/i] },
        { ...together([[reload, true], [named('workers'), workers]]), names: [/reload/i, /workers/i] },
      ];
      const right = [
        together([[jitter, random.integer(1, 99)], [named('maxRequests'), 100]]),
        together([[reload, true], [named('workers'), 1]]),
        together([[reload, false], [named('workers'), workers]]),
      ];
      const outcomes = await loadAll(world, [...wrong, ...right].map(({ written }) => written));
      for (const [index, { sent, names }] of wrong.entries()) {
        const message = refusal(outcomes[index]!, sent, 'a SettingsError that names both settings');
        check(names.every((name) => name.test(message)), { sent, received: message, expected: 'a message that names both settings' });
      }
      for (const [index, { sent }] of right.entries()) loaded(outcomes[wrong.length + index]!, sent);
      const overruled = { argv: [APP, '--workers', '1'], env: { TEN_SERVER_RELOAD: 'true', TEN_SERVER_WORKERS: '4' } };
      const [mended, appless] = await world.call('loadAll', [overruled, { argv: ['--workers', '1'] }]);
      loaded(mended!, 'TEN_SERVER_RELOAD=true TEN_SERVER_WORKERS=4, and --workers 1');
      refusal(appless!, '--workers 1, and no application', 'a SettingsError: there is nothing to serve');
    }),
  );

  rule(
    'print-config',
    'prints its settings as a file that can be given back, and where each comes from',
    {
      rule: '--print-config prints JSON with every setting by its name in a file, in the units that people write, and each origin; it starts nothing and exits with 0',
      likely: 'milliseconds are printed where a file has seconds',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const { random } = world;
      const drawn = random.shuffle(KNOWN).slice(0, 9);
      const written = nothing();
      const values = drawn.map((one, index) => {
        const value = one.draw(random);
        write(written, LAYERS[index % 3]!, one, value);
        return value;
      });
      const file = await world.call('writeFile', 'printed-from.json', JSON.stringify(written.file));
      const argv = [APP, ...written.flags, '--config', file, '--print-config'];
      const sent = `${Object.keys(written.environment).join(' ')} main.ts ${argv.join(' ')}`;
      const first = await runMain(stage, argv, written.environment);
      const { stdout } = await first.exits(0, { sent, expected: 'it prints its settings and ends' });
      const printed = parsed(stdout, sent);
      for (const [index, { fileKey }] of drawn.entries()) {
        check(printed[fileKey] === values[index], { sent, received: `${fileKey}: ${JSON.stringify(printed[fileKey])}`, expected: `${fileKey}: ${JSON.stringify(values[index])}` });
      }
      for (const one of KNOWN) {
        check(Object.hasOwn(printed, one.fileKey), { sent, received: stdout.slice(0, 300), expected: `every setting, ${one.fileKey} among them` });
      }
      const origins = [...Object.keys(written.environment), ...written.flags.flatMap((flag) => (/^--\w/.test(flag) ? [flag.replace('--no-', '--')] : [])), 'printed-from.json'];
      for (const origin of origins) {
        check(stdout.includes(origin), { sent, received: stdout.slice(0, 600), expected: `where each setting comes from: ${origins.join(', ')}` });
      }
      const back = await world.call('writeFile', 'back.json', stdout);
      const [outcome, original] = await world.call('loadAll', [{ argv: ['--config', back] }, { argv: argv.slice(0, -1), env: written.environment }]);
      const { settings } = loaded(outcome!, 'what --print-config has printed, as --config');
      const expected = loaded(original!, sent).settings;
      for (const [key, value] of Object.entries(expected)) {
        const received = (settings as unknown as Record<string, unknown>)[key];
        check(received === value, { sent: 'what --print-config has printed, as --config', received: `${key}: ${JSON.stringify(received)}`, expected: `${key}: ${JSON.stringify(value)}` });
      }
    }),
  );

  rule(
    'check-config',
    'says whether the settings are right, and starts nothing',
    {
      rule: '--check-config exits with 0 if they are, and otherwise with 2 and the reason on stderr; without it, settings that are wrong end the program with 2, too',
      likely: 'the file is not read, or the program goes on',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const address = await world.call('occupy');
      const pidfile = `${await world.call('folder')}/check.pid`;
      // The application does not exist and the address is taken: neither is looked at.
      const right = await runMain(stage, [APP, '--bind', `${address.host}:${address.port}`, '--pid', pidfile, '--check-config']);
      const { stdout } = await right.exits(0, { sent: '--check-config with settings that are right', expected: 'it ends' });
      check(!stdout.includes('listening'), { sent: '--check-config', received: stdout, expected: 'nothing is started' });
      check((await world.call('textOf', pidfile)) === null, { sent: '--check-config --pid FILE', received: 'a pidfile', expected: 'nothing is started' });
      const file = await world.call('writeFile', 'wrong.json', '{ "backlog": 0 }');
      for (const argv of [[APP, '--config', file, '--check-config'], [APP, '--config', file]]) {
        const wrong = await runMain(stage, argv);
        const sent = `${argv.slice(1).join(' ').replace(file, 'wrong.json')}, which has "backlog": 0`;
        const { lines } = await wrong.exits(2, { sent, expected: 'it says what is wrong' });
        check(lines.some((line) => line.includes('backlog') && line.includes('wrong.json')), { sent, received: lines.join('\n'), expected: 'a line with backlog and wrong.json' });
      }
    }),
  );

  rule(
    'pidfile-is-honest',
    'takes over a pidfile of a process that has ended, and leaves all others alone',
    {
      rule: 'a file that names a living process is left as it is, and the error has its pid; one of a process that is gone is taken over; at the end only a file that still has our own pid is removed',
      likely: 'whether the process lives is not asked (`process.kill(pid, 0)`), or the file is removed without a look into it',
      skip: onWindows,
    },
    staged(async ({ world }) => {
      const { own, parent, ended } = await world.call('pids');
      const folder = await world.call('folder');
      const path = `${folder}/own.pid`;
      const write = async (content: string | null, expected: string): Promise<Outcome<string | null>> => {
        if (content !== null) await world.call('writeFile', 'own.pid', content);
        const outcome = await world.call('writePidfile', path);
        if ('value' in outcome) check(outcome.value?.trim() === String(own), { sent: `write() of process ${own} over ${content}`, received: String(outcome.value), expected });
        return outcome;
      };
      expectWritten(await write(null, `a file with ${own}`), 'no file yet');
      check((await world.call('removePidfile', `${folder}/other.pid`)) === null, { sent: 'write() and remove()', received: 'a file', expected: 'no file any more' });
      expectWritten(await write(`${ended}\n`, `a file with ${own}`), `a file of process ${ended}, which has ended`);
      expectWritten(await write(`${own}\n`, `a file with ${own}`), 'a file with our own pid, from an earlier life in a container');
      for (const living of [parent, 1]) {
        const outcome = await write(`${living}\n`, `an error that names ${living}`);
        check('refused' in outcome && outcome.refused.includes(String(living)), {
          sent: `write() where process ${living}, which lives, has the file`,
          received: 'refused' in outcome ? outcome.refused : 'it was written',
          expected: `an error that names ${living}`,
        });
        const left = await world.call('textOf', path);
        check(left === `${living}\n`, { sent: `write() where process ${living} has the file`, received: String(left), expected: 'the file as it was' });
      }
      const others = await world.call('removePidfile', `${folder}/third.pid`, `${parent}\n`);
      check(others === `${parent}\n`, { sent: `remove() after process ${parent} has put its own pid into the file`, received: String(others), expected: 'the file as it is' });
    }),
  );

  rule(
    'pidfile-of-the-master',
    'has its pid in the pidfile while it runs, and in no file afterwards',
    {
      rule: 'the pidfile names the supervisor from before it says that it listens until it has ended, however it ends; a second one with the same file exits with 1 and changes nothing',
      likely: 'the file is left when the start fails',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const path = `${await world.call('folder')}/master.pid`;
      const argv = [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '1', '--pid', path];
      const master = await (await runMain(stage, argv)).listening('main.ts with --pid');
      const expectPid = async (sent: string): Promise<void> => {
        const text = await world.call('textOf', path);
        check(text?.trim() === String(master.pid), { sent, received: `the pidfile: ${text}`, expected: `the pidfile: ${master.pid}` });
      };
      await expectPid('a supervisor that listens');
      const second = await runMain(stage, argv);
      const { lines } = await second.exits(1, { sent: 'a second supervisor with the same pidfile', expected: 'it does not start' });
      check(lines.some((line) => line.includes(String(master.pid))), { sent: 'a second supervisor with the same pidfile', received: lines.join('\n'), expected: `a line with ${master.pid}` });
      await expectPid('a second supervisor with the same pidfile');
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
      check((await world.call('textOf', path)) === null, { sent: 'SIGTERM', received: 'the pidfile is there', expected: 'the pidfile is gone' });
      const failing = await runMain(stage, ['./no-such-file.ts:app', ...argv.slice(1)]);
      await failing.exits(4, { sent: 'an application that does not exist', expected: 'it ends' });
      check((await world.call('textOf', path)) === null, { sent: 'a start that fails', received: 'the pidfile is there', expected: 'the pidfile is gone' });
    }),
  );

  rule(
    'hooks-in-order',
    'calls every hook once for each occasion, and in order',
    {
      rule: 'onStarting; for each worker preFork, postFork and, in the worker, postWorkerInit before it serves; whenReady once, when all serve; onReload for each reload; workerExit for each worker that has gone; onExit at the very end',
      likely: 'whenReady is called for each worker or again after a reload, or a worker serves before its own hook was called',
      skip: onWindows,
    },
    staged(async (stage) => {
      const master = await runMain(stage, [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '2', '--config', await hooksFile(stage, '')]);
      await master.listening('main.ts with hooks');
      await expectHooks(stage, 'a start with 2 workers', { onStarting: 1, preFork: 2, postFork: 2, postWorkerInit: 2, whenReady: 1 });
      const begun = await diary(stage);
      const order = begun.map(({ hook }) => hook).join(', ');
      check(begun[0]!.hook === 'onStarting', { sent: 'a start with 2 workers', received: order, expected: 'onStarting first' });
      check(begun.at(-1)!.hook === 'whenReady', { sent: 'a start with 2 workers', received: order, expected: 'whenReady last' });
      const forks = begun.filter(({ hook }) => hook.endsWith('Fork'));
      let open = 0;
      for (const { hook } of forks) {
        open += hook === 'preFork' ? 1 : -1;
        check(open >= 0, { sent: 'a start with 2 workers', received: order, expected: 'a preFork before each postFork' });
      }
      const workers = begun.filter(({ hook }) => hook === 'postWorkerInit').map(({ by }) => by);
      const told = begun.filter(({ hook }) => hook === 'postFork').map(({ workerPid }) => workerPid);
      check(new Set(workers).size === 2 && !workers.includes(master.pid), { sent: 'postWorkerInit', received: `called in ${workers.join(', ')}`, expected: 'called in each of the two workers' });
      check(workers.every((pid) => told.includes(pid)), { sent: 'postFork', received: `workerPid: ${told.join(', ')}`, expected: `workerPid: ${workers.join(', ')}` });

      await master.signal('SIGHUP');
      const reloaded = { onStarting: 1, preFork: 4, postFork: 4, postWorkerInit: 4, whenReady: 1, onReload: 1, workerExit: 2 };
      await expectHooks(stage, 'SIGHUP', reloaded);
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
      await expectHooks(stage, 'SIGTERM', { ...reloaded, workerExit: 4, onExit: 1 });
      const all = await diary(stage);
      check(all.at(-1)!.hook === 'onExit', { sent: 'SIGTERM', received: all.map(({ hook }) => hook).join(', '), expected: 'onExit last' });
      const strangers = all.filter(({ hook, by }) => hook !== 'postWorkerInit' && by !== master.pid);
      check(strangers.length === 0, { sent: 'hooks of the supervisor', received: strangers.map(({ hook, by }) => `${hook} in ${by}`).join(', '), expected: `all in ${master.pid}` });
      const gone = new Set(all.filter(({ hook }) => hook === 'workerExit').map(({ workerPid }) => workerPid));
      check(workers.every((pid) => gone.has(pid)), { sent: 'workerExit', received: `workerPid: ${[...gone].join(', ')}`, expected: `${workers.join(', ')} among them` });
    }),
  );

  rule(
    'serves-by-hook',
    'lets a hook serve in the place of its own server, and hands over what a server needs',
    {
      rule: '`serve` gets the application and the options of `serveAsync`, the socket among them, in each worker; what it throws is a boot that has failed',
      likely: 'the worker serves by itself all the same, or does not wait for what `serve` resolves to',
      skip: onWindows,
    },
    staged(async (stage) => {
      const word = stage.world.random.word();
      const gateway = await stage.world.call('urlInTree', '06-websocket/index.ts');
      const config = await stage.world.call('writeFile', 'serve.mjs', `import { readFile } from 'node:fs/promises';
import { serveAsync } from ${JSON.stringify(gateway)};
const told = (app) => (scope, receive, send) => app(scope, receive, (event) => send(event.type === 'http.response.start' ? { ...event, headers: [...event.headers ?? [], ['x-served-by', ${JSON.stringify(word)}]] } : event));
export default { hooks: { serve: async (app, options) => {
  for (let times = 0; times < 100; times++) await readFile(import.meta.filename);
  return await serveAsync(told(app), options);
} } };
`);
      const master = await (await runMain(stage, [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '2', '--config', config])).listening('main.ts with a hook that serves');
      for (let index = 0; index < 6; index++) {
        const http = (await stage.world.http(master.address)).send('GET', '/', closing());
        const response = await http.response();
        check(fieldValues(response, 'x-served-by').join() === word, { sent: 'GET / to workers with a hook that serves', received: `${response.status}, X-Served-By: ${fieldValues(response, 'x-served-by').join() || 'none'}`, expected: `what that server adds: ${word}` });
      }
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM, with a hook that serves', expected: 'it ends' });
      const broken = await stage.world.call('writeFile', 'broken.mjs', "export default { hooks: { serve: async () => { throw new Error('no such certificate'); } } };\n");
      const failing = await runMain(stage, [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '1', '--config', broken]);
      const { lines } = await failing.exits(1, { sent: 'a hook that serves and throws', expected: 'the boot has failed' });
      check(lines.some((line) => line.includes('no such certificate')), { sent: 'a hook that serves and throws', received: lines.join('\n'), expected: 'what it has thrown' });
    }),
  );

  rule(
    'hook-that-throws',
    'logs what a hook throws, and goes on',
    {
      rule: 'a hook is somebody else\'s code: what it throws, or rejects with, goes to the error log and stops nothing; only onStarting may forbid the start, with exit code 1',
      likely: 'the rejection of a hook that is an async function has no handler, which ends the process',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const argv = [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '1', '--config'];
      const names = ['preFork', 'postFork', 'whenReady', 'postWorkerInit', 'onReload', 'workerExit', 'onExit'];
      const rejects = world.random.shuffle(names).slice(0, 3);
      const throws = `if (${JSON.stringify(rejects)}.includes(hook)) return Promise.reject(new Error('fault in ' + hook));\n    if (hook !== 'onStarting') throw new Error('fault in ' + hook);`;
      const master = await (await runMain(stage, [...argv, await hooksFile(stage, throws)])).listening('hooks that throw');
      await stage.ask(master.address);
      await master.signal('SIGHUP');
      await expectHooks(stage, 'SIGHUP', { onStarting: 1, preFork: 2, postFork: 2, postWorkerInit: 2, whenReady: 1, onReload: 1, workerExit: 1 });
      await stage.ask(master.address);
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM, with hooks that throw', expected: 'it ends as if nothing had happened' });
      for (const name of names) {
        await master.untilLine(new RegExp(`fault in ${name}\\b`), { sent: `${name} ${rejects.includes(name) ? 'rejects' : 'throws'}: fault in ${name}`, expected: 'a line of the error log with it' });
      }
      const forbidding = await runMain(stage, [...argv, await hooksFile(stage, "throw new Error('not today');", 'forbidding')]);
      const { lines } = await forbidding.exits(1, { sent: 'onStarting throws: not today', expected: 'it does not start' });
      check(lines.some((line) => line.includes('not today')), { sent: 'onStarting throws: not today', received: lines.join('\n'), expected: 'a line with the reason' });
      const called = (await diary(stage, 'forbidding')).map(({ hook }) => hook);
      check(!called.includes('preFork'), { sent: 'onStarting throws', received: called.join(', '), expected: 'no worker is started' });
    }),
  );

  rule(
    'umask-and-title',
    'sets the umask for itself and its workers, and a title by which ps shows which is which',
    {
      rule: '--umask is octal and holds for the supervisor and its workers; with --name, ps shows NAME master and NAME worker',
      likely: 'the umask is read as a decimal number',
      skip: onWindows,
    },
    staged(async (stage) => {
      const { world } = stage;
      const umask = world.random.pick(['077', '027', '017', '0026']);
      const name = `ten${world.random.word()}`;
      const config = await hooksFile(stage, "if (hook === 'onStarting' || hook === 'postWorkerInit') writeFileSync(`made-by-${hook}`, '');");
      const master = await runMain(stage, [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '1', '--umask', umask, '--name', name, '--config', config]);
      await master.listening(`--umask ${umask} --name ${name}`);
      const folder = await world.call('folder');
      const expected = (0o666 & ~Number.parseInt(umask, 8)).toString(8);
      for (const hook of ['onStarting', 'postWorkerInit']) {
        const mode = await world.call('modeOf', `${folder}/made-by-${hook}`);
        check(mode === expected, { sent: `--umask ${umask}; ${hook} creates a file`, received: `mode ${mode}`, expected: `mode ${expected}` });
      }
      const [worker] = await master.children();
      for (const [pid, title] of [[master.pid, `${name} master`], [worker!, `${name} worker`]] as const) {
        const received = await world.call('titleOf', pid);
        check(received.startsWith(title), { sent: `--name ${name}`, received, expected: title });
      }
      await master.signal('SIGTERM');
      await master.exits(0, { sent: 'SIGTERM', expected: 'it ends' });
    }),
  );

  rule(
    'user-and-group',
    'runs workers as another user where it may, and says so where it may not',
    {
      rule: 'with --user and --group, root\'s workers run with the ids of these; anybody else, or a user that does not exist, is refused with 2, also by --check-config',
      likely: 'the ids are set without the group of the user',
      skip: process.platform === 'linux' ? undefined : 'needs /proc, to see as whom a process runs',
    },
    staged(async (stage) => {
      const { world } = stage;
      const missing = await runMain(stage, [APP, '--user', 'no-such-user', '--check-config']);
      const { lines } = await missing.exits(2, { sent: '--user no-such-user --check-config', expected: 'it is refused' });
      check(lines.some((line) => line.includes('no-such-user')), { sent: '--user no-such-user', received: lines.join('\n'), expected: 'a line with no-such-user' });
      if (!(await world.call('isRoot'))) {
        const forbidden = await runMain(stage, [APP, '--user', 'root', '--check-config']);
        await forbidden.exits(2, { sent: '--user root, and we are not root', expected: 'it is refused' });
        return;
      }
      const nobody = await world.call('userNamed', 'nobody');
      if (nobody === null) return;
      const gid = world.random.integer(20_000, 30_000);
      for (const [name, flags, expected] of [
        ['by-name', ['--user', 'nobody'], nobody],
        ['with-group', ['--user', 'nobody', '--group', String(gid)], { uid: nobody.uid, gid }],
      ] as const) {
        // Asked in the supervisor: the worker may not even be able to read its own program.
        const look = "if (hook === 'postFork') facts = { ...facts, ids: readFileSync(`/proc/${facts.workerPid}/status`, 'utf8') };";
        const config = await hooksFile(stage, look, name);
        await runMain(stage, [stage.fixture(), '--bind', '127.0.0.1:0', '--workers', '1', ...flags, '--config', config]);
        const forked = await until(world, () => diary(stage, name), (lines) => lines.some(({ hook }) => hook === 'postFork'), {
          sent: flags.join(' '),
          expected: 'a worker',
          show: (lines) => lines.map(({ hook }) => hook).join(', '),
        });
        const status = forked.find(({ hook }) => hook === 'postFork')!.ids ?? '';
        for (const [field, id] of [['Uid', expected.uid], ['Gid', expected.gid]] as const) {
          const received = new RegExp(`^${field}:.*$`, 'm').exec(status)?.[0] ?? 'nothing';
          check(received.split(/\s+/).slice(1).every((text) => text === String(id)), { sent: flags.join(' '), received, expected: `${field}: ${id}` });
        }
      }
    }),
  );
});

type WrittenOrModule = Written & { module?: string };

/** Loads the settings of each trial: what is written in a file goes into one of its own. */
async function loadAll(world: TestWorld, trials: readonly WrittenOrModule[]): Promise<Outcome<WasLoaded>[]> {
  const asked: Asked[] = [];
  for (const [index, { file, environment, flags, module }] of trials.entries()) {
    const name = `settings-${index}${module === undefined ? '.json' : '.mjs'}`;
    const path = await world.call('writeFile', name, module ?? JSON.stringify(file));
    const hasFile = module !== undefined || Object.keys(file).length > 0;
    asked.push({ argv: [APP, ...flags, ...(hasFile ? ['--config', path] : [])], env: environment });
  }
  return await world.call('loadAll', asked);
}

function loaded(outcome: Outcome<WasLoaded>, sent: string): WasLoaded {
  check('value' in outcome, { sent, received: 'refused' in outcome ? `an error: ${outcome.refused}` : 'nothing', expected: 'settings' });
  return outcome.value;
}

function refusal(outcome: Outcome<unknown>, sent: string, expected: string): string {
  check('refused' in outcome, { sent, received: 'it was accepted', expected });
  check(outcome.isSettingsError, { sent, received: `another error: ${outcome.refused}`, expected });
  return outcome.refused;
}

function expectWritten(outcome: Outcome<string | null>, sent: string): void {
  check('value' in outcome, { sent: `write(): ${sent}`, received: 'refused' in outcome ? `an error: ${outcome.refused}` : 'nothing', expected: 'it is written' });
}

function fileText(file: string, content: object): string {
  return file.endsWith('.json') ? JSON.stringify(content) : `export default ${JSON.stringify(content)};\n`;
}

function parsed(stdout: string, sent: string): Record<string, unknown> {
  try {
    return JSON.parse(stdout) as Record<string, unknown>;
  } catch {
    check(false, { sent, received: stdout.slice(0, 300), expected: 'JSON on stdout, and nothing else' });
    return {};
  }
}

async function runMain({ world }: Stage, argv: readonly string[], env: Record<string, string> = {}): Promise<Master> {
  const id = await world.call('startMain', argv, env);
  const { pid } = await world.call('master', id);
  return new Master(world, id, pid);
}

/** What a hook has noted: its name, the process that called it, and what it was told. */
interface Note {
  hook: string;
  by: number;
  workerPid?: number;
  ids?: string;
}

const HOOKS = ['onStarting', 'preFork', 'postFork', 'whenReady', 'onReload', 'workerExit', 'onExit', 'postWorkerInit'];

/** A file of settings whose hooks all write into a diary. @param then a piece of code, for `hook` and `facts`, that comes before that */
async function hooksFile({ world }: Stage, then: string, name = 'hooks'): Promise<string> {
  const folder = await world.call('folder');
  return await world.call('writeFile', `${name}.mjs`, `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
const note = (hook) => (facts) => {
  const write = ({ workerPid, ids }) => appendFileSync(${JSON.stringify(`${folder}/${name}.diary`)}, JSON.stringify({ hook, by: process.pid, workerPid, ids }) + '\\n');
  try {
    ${then}
  } finally {
    write(facts);
  }
};
export default { hooks: Object.fromEntries(${JSON.stringify(HOOKS)}.map((hook) => [hook, note(hook)])) };
`);
}

async function diary({ world }: Stage, name = 'hooks'): Promise<Note[]> {
  const text = (await world.call('textOf', `${await world.call('folder')}/${name}.diary`)) ?? '';
  return text.split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Note);
}

/** Waits until each hook was called this often, and fails if one was called too often. */
async function expectHooks(stage: Stage, sent: string, expected: Record<string, number>): Promise<void> {
  const count = (notes: readonly Note[], name: string): number => notes.filter(({ hook }) => hook === name).length;
  const show = (notes: readonly Note[]): string => HOOKS.map((name) => `${name} ${count(notes, name)}`).join(', ');
  const report = { sent, expected: HOOKS.map((name) => `${name} ${expected[name] ?? 0}`).join(', ') };
  const tooOften = (notes: readonly Note[]): boolean => HOOKS.some((name) => count(notes, name) > (expected[name] ?? 0));
  const complete = (notes: readonly Note[]): boolean => HOOKS.every((name) => count(notes, name) >= (expected[name] ?? 0));
  const notes = await until(stage.world, () => diary(stage), complete, { ...report, show }, tooOften);
  check(!tooOften(notes), { ...report, received: show(notes) });
}
