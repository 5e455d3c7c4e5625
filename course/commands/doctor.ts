/** `doctor`: does this machine have what the course needs? */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, freemem, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseCommand } from '../options.ts';
import { reason } from '../problem.ts';
import { installAdvice, neededNode, newerFix, placeProblem, satisfies } from '../requirements.mjs';
import { CHAPTERS, ROOT, STATE } from '../root.ts';
import { paint, print, wrap } from '../screen.ts';

/** One thing that was looked at. */
interface Finding {
  /** `missing` is needed by every chapter; `advice` costs something; `optional` is for some parts. */
  readonly state: 'ok' | 'missing' | 'advice' | 'optional';
  readonly what: string;
  /** What to do about it. */
  readonly todo?: string;
}

const COLORS = { ok: 'green', missing: 'red', advice: 'yellow', optional: 'gray' } as const;

export async function run(args: readonly string[]): Promise<number> {
  parseCommand(args, { command: 'doctor', options: {} });
  const findings = [
    ...nodes(), npm(), platform(), ...place(), ...git(), packages(),
    await loopback('127.0.0.1', 'missing'), await loopback('::1', 'advice'),
    ...descriptors(), ...writable(), cores(), memory(), ...optionalTools(),
  ];
  for (const { state, what, todo } of findings) {
    print(`${paint(COLORS[state], state.padEnd(9))} ${wrap(what, ' '.repeat(10)).trimStart()}`);
    if (todo !== undefined) print(wrap(todo, '            '));
  }
  const missing = findings.filter(({ state }) => state === 'missing').length;
  print(missing === 0 ? '\nEverything that the course needs is here.' : `\nMissing: ${missing}. See above for what to do.`);
  return missing === 0 ? 0 : 1;
}

/** What a program prints for its version; undefined where it is not installed. */
function versionOf(program: string, args: readonly string[] = ['--version'], environment = process.env): string | undefined {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 30_000, env: environment });
  if (status === null) return undefined;
  return `${stdout}${stderr}`.trim().split('\n')[0];
}

function nodes(): Finding[] {
  const { node } = process.versions;
  const fix = newerFix(node);
  const what = `Node ${node}, which the npm commands use`;
  const here: Finding = fix === undefined
    ? { state: 'ok', what }
    : { state: 'advice', what, todo: `Node ${fix} mends faults that a client could use over the network. Nothing in the course needs it, so you can go on; but do not put a server on the open internet with an older one.` };
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((one) => !/node_modules|node-gyp-bin/.test(one)).join(delimiter);
  const host = versionOf('node', ['--version'], { ...process.env, PATH: path })?.replace(/^v/, '');
  if (host === undefined || !/^\d+\.\d+\.\d+/.test(host)) return [here];
  if (satisfies(host, neededNode(ROOT))) return [here, { state: 'ok', what: `Node ${host} in your own shell` }];
  const todo = 'The npm commands bring a newer one. For a TypeScript file of your own use `npx tsx file.ts` instead of `node file.ts`.';
  return [here, { state: 'advice', what: `Node ${host} in your own shell`, todo }];
}

/** The path of the folder: some characters mean something to the programs that read it. */
function place(): Finding[] {
  const problem = placeProblem(ROOT);
  if (problem !== undefined) return [{ state: 'missing', what: 'a folder in which the tests can run', todo: problem }];
  if (!ROOT.includes(delimiter)) return [];
  const todo = `Programs in folders with such a path are not found, so npm uses the Node of your own shell and not the one that the course brings. Move the folder to a path without "${delimiter}".`;
  return [{ state: 'advice', what: `the path of this folder contains a "${delimiter}"`, todo }];
}

function npm(): Finding {
  const script = process.env['npm_execpath'];
  const version = script !== undefined && /\.[cm]?js$/.test(script)
    ? versionOf(process.execPath, [script, '--version'])
    : versionOf(process.platform === 'win32' ? 'npm.cmd' : 'npm');
  if (version === undefined) return { state: 'missing', what: 'npm', todo: 'It comes with Node: https://nodejs.org' };
  if (Number(version.split('.')[0]) >= 10) return { state: 'ok', what: `npm ${version}` };
  return { state: 'advice', what: `npm ${version}`, todo: 'The course is tested with npm 10 or newer: npm install --global npm' };
}

function platform(): Finding {
  const what = `${process.platform} ${release()}, ${process.arch}`;
  if (process.platform === 'linux' || process.platform === 'darwin') return { state: 'ok', what };
  const todo = 'Signals and sockets behave differently here: what cannot be checked is skipped, with the reason. In WSL everything runs.';
  return { state: 'advice', what, todo };
}

function git(): Finding[] {
  const version = versionOf('git');
  if (version !== undefined) return [{ state: 'ok', what: version }];
  return [{ state: 'optional', what: 'git', todo: '`npm run diff` shows lines only with git, and `npm run update` needs it.' }];
}

function packages(): Finding {
  const { devDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { devDependencies?: Record<string, string> };
  const wrong = Object.entries(devDependencies).filter(([name, version]) => {
    const file = join(ROOT, 'node_modules', name, 'package.json');
    return !existsSync(file) || (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version !== version;
  });
  const { command, why } = installAdvice(ROOT, process.env, false);
  if (wrong.length === 0) return { state: 'ok', what: `packages: all ${Object.keys(devDependencies).length} installed as pinned` };
  return { state: 'missing', what: `packages: ${wrong.map(([name]) => name).join(', ')} not as pinned`, todo: why === undefined ? `Run \`${command}\`.` : `${why[0]?.toUpperCase()}${why.slice(1)}. Run \`${command}\`.` };
}

async function loopback(host: string, otherwise: 'missing' | 'advice'): Promise<Finding> {
  const server = createServer();
  const error = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen({ host, port: 0 }, () => resolve(undefined));
  });
  server.close();
  if (!error) return { state: 'ok', what: `a free port on ${host}` };
  const todo = otherwise === 'missing'
    ? 'Every server of the course listens there: look for a firewall or a sandbox that forbids it.'
    : 'IPv6 is off here. Only the checks that need IPv6 will be skipped.';
  return { state: otherwise, what: `no free port on ${host}: ${reason(error)}`, todo };
}

function descriptors(): Finding[] {
  if (process.platform === 'win32') return [];
  const text = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout?.trim();
  const what = `open files: ${text} at once (ulimit -n)`;
  if (text === 'unlimited' || Number(text) >= 1024) return [{ state: 'ok', what }];
  return [{ state: 'advice', what, todo: 'Tests with many clients need more: run `ulimit -n 4096` in this shell.' }];
}

function writable(): Finding[] {
  return [CHAPTERS, existsSync(STATE) ? STATE : ROOT].map((folder): Finding => {
    try {
      accessSync(folder, constants.W_OK);
      return { state: 'ok', what: `${folder} can be written` };
    } catch (error) {
      return { state: 'missing', what: `${folder} cannot be written: ${reason(error)}`, todo: 'Give yourself permission to write there, or clone the course into a folder of your own.' };
    }
  });
}

function cores(): Finding {
  const count = availableParallelism();
  const what = `cores: ${count}`;
  return count >= 2 ? { state: 'ok', what } : { state: 'advice', what, todo: 'Checks take longer, and chapter 04 has little to compare.' };
}

function memory(): Finding {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const what = `memory: ${gib(totalmem())} GiB, ${gib(freemem())} GiB free`;
  return totalmem() >= 2 * 2 ** 30 ? { state: 'ok', what } : { state: 'advice', what, todo: 'With less than 2 GiB the checks may be slow: close other programs.' };
}

/** Tools that some parts of chapters 09 and 10 use; without them those parts are skipped. */
function optionalTools(): Finding[] {
  const tools = [
    { name: 'nginx', version: versionOf('nginx', ['-v']), todo: 'For chapters 09 and 10: install the package nginx.' },
    { name: 'wrk', version: versionOf('wrk', ['-v']), todo: 'For chapter 10, to compare with your own load tester: install the package wrk.' },
    { name: 'docker', version: versionOf('docker'), todo: 'For chapter 09: https://docs.docker.com/engine/install/' },
    { name: 'systemd', version: versionOf('systemctl'), todo: 'For chapter 09: a Linux system with systemd. Elsewhere those parts are skipped.' },
  ];
  return tools.map(({ name, version, todo }): Finding => {
    if (version === undefined) return { state: 'optional', what: `${name} is not here`, todo };
    if (name === 'systemd' && !existsSync('/run/systemd/system')) {
      return { state: 'optional', what: `${version}, but it does not run this system`, todo };
    }
    return { state: 'ok', what: version.toLowerCase().includes(name) ? version : `${name}: ${version}` };
  });
}
