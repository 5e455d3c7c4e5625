/**
 * The servers of the ledger: how each is started, reloaded and upgraded as its documentation says, and what it cannot do.
 * All get four workers, and the same time to let requests end.
 */

import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

import { reloadNginxFolder } from '../servers/reload-nginx.ts';
import { findProgram } from '../support/machine.ts';
import { childIds, isAlive } from '../support/process-tree.ts';
import type { Kind } from './clients.ts';
import { Service, until } from './service.ts';

const BENCH = dirname(import.meta.dirname);
const GRACEFUL_SECONDS = 5;
/** After this long without a sign of life a worker counts as frozen, where somebody looks. */
const HEARTBEAT_SECONDS = 2;
export const MEMORY_MAX_MEBIBYTES = 160;

export type ScenarioName = 'reload' | 'upgrade' | 'kill' | 'freeze' | 'memory' | 'queue';

export interface Running {
  readonly service: Service;
  /** Returns when the order has been given; that may be before it has been carried out. */
  reload(): Promise<void>;
  /** Returns when the new master has its workers and the old one has been told to go. */
  upgrade(): Promise<void>;
  /** Returns how many processes it has left behind. */
  stop(): Promise<number>;
  /** Resolves when the old workers have been told to go, of a service that says so. */
  told?(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** Why it cannot be measured on this machine, and how to get it. */
  readonly missing: string | null;
  /** Scenarios that it has nothing for, and why. */
  readonly cannot: Readonly<Partial<Record<ScenarioName, string>>>;
  /** Clients that it cannot serve, and why. */
  readonly withoutKinds: Readonly<Partial<Record<Kind, string>>>;
  start(port: number, scenario: ScenarioName, workers: number): Promise<Running>;
}

const serverFile = (name: string): string => join(BENCH, 'servers', name);
const MAIN = join(BENCH, '..', '..', 'solutions', '07-prefork', 'main.ts');

/** A service that is told everything by signals. */
function bySignals(service: Service, upgrade: () => Promise<void> = nothing): Running {
  return {
    service,
    reload: () => Promise.resolve(service.signal('SIGHUP')),
    upgrade,
    stop: () => service.stop(),
  };
}

async function nothing(): Promise<void> {
  throw await Promise.resolve(new Error('it cannot be upgraded'));
}

/** USR2, then the second master out of a pidfile with as many workers, then an end of the first one. */
async function upgradeByUsr2(service: Service, pidfile: string, workers: number, goodbye: NodeJS.Signals): Promise<void> {
  const old = service.master;
  service.signal('SIGUSR2');
  let fresh = 0;
  await until(() => {
    fresh = existsSync(pidfile) ? Number(readFileSync(pidfile, 'utf8')) : 0;
    return fresh > 0 && fresh !== old && childIds(fresh).length >= workers;
  }, `there is no second master with ${workers} workers`);
  // They are there; whether they serve already, the masters of others do not say.
  await wait(500);
  process.kill(old, goodbye);
  await until(() => !isAlive(old), 'the old master does not go');
  service.master = fresh;
}

const tenServers: Subject = {
  name: 'ten-servers',
  missing: existsSync(MAIN) ? null : 'solutions/07-prefork/main.ts is not there',
  cannot: {},
  withoutKinds: {},
  async start(port, scenario, workers) {
    const folder = temporaryFolder();
    const pidfile = join(folder, 'pid');
    const more = {
      freeze: ['--timeout', String(HEARTBEAT_SECONDS)],
      memory: ['--max-rss', String(MEMORY_MAX_MEBIBYTES), '--unfit-samples', '1'],
    }[scenario as string] ?? [];
    const service = await Service.start(port, [
      process.execPath, MAIN, `${serverFile('reload-async.ts')}:app`, '--bind', `127.0.0.1:${port}`,
      '--workers', String(workers), '--graceful-timeout', String(GRACEFUL_SECONDS), '--pid', pidfile, ...more,
    ]);
    return bySignals(service, () => upgradeByUsr2(service, pidfile, workers, 'SIGTERM'));
  },
};

const nodeCluster: Subject = {
  name: 'node:cluster',
  missing: null,
  cannot: {
    upgrade: 'its primary holds the socket and cannot hand it over',
    memory: 'it recycles nothing by itself',
  },
  withoutKinds: {},
  async start(port, _scenario, workers) {
    return bySignals(await Service.start(port, [process.execPath, serverFile('reload-cluster.ts'), String(port), String(workers)]));
  },
};

const PM2 = join(BENCH, 'pm2', 'node_modules', 'pm2', 'bin', 'pm2');

const pm2: Subject = {
  name: 'pm2',
  missing: existsSync(PM2) ? null : 'npm ci --prefix course/bench/pm2',
  cannot: { upgrade: '`pm2 update` stops all workers before it starts its new daemon' },
  withoutKinds: {},
  async start(port, scenario, workers) {
    const folder = temporaryFolder();
    const app = {
      name: 'ledger', script: serverFile('reload-pm2.mjs'), instances: workers, exec_mode: 'cluster', wait_ready: true,
      kill_timeout: GRACEFUL_SECONDS * 1000, listen_timeout: 30_000, env: { LEDGER_PORT: String(port) },
      ...scenario === 'memory' ? { max_memory_restart: `${MEMORY_MAX_MEBIBYTES}M` } : {},
    };
    writeFileSync(join(folder, 'ledger.config.json'), JSON.stringify({ apps: [app] }));
    const environment = { PM2_HOME: folder, PM2_DISABLE_VERSION_CHECK: '1', PM2_WORKER_INTERVAL: '1000' };
    const run = async (...args: string[]): Promise<void> => {
      await promisify(execFile)(process.execPath, [PM2, ...args], { env: { ...process.env, ...environment } });
    };
    // Without a daemon of its own, so that its processes are in the group of the service.
    const service = await Service.start(port, [process.execPath, PM2, 'start', join(folder, 'ledger.config.json'), '--no-daemon'], environment);
    const reload = async (): Promise<void> => {
      await run('reload', 'ledger').catch((error: unknown) => {
        // It has only one reload at a time, and says so to the second one.
        if (!/already in progress/.test(String(error))) throw error;
      });
    };
    return { service, reload, upgrade: nothing, stop: () => service.stop() };
  },
};

const gunicornProgram = findProgram('gunicorn');

const gunicorn: Subject = {
  name: 'gunicorn',
  missing: gunicornProgram === null ? 'apt-get install gunicorn, or pip install gunicorn' : null,
  cannot: {},
  withoutKinds: { WebSocket: 'its own workers have no WebSockets' },
  async start(port, scenario, workers) {
    const pidfile = join(temporaryFolder(), 'pid');
    const more = {
      freeze: ['--timeout', String(HEARTBEAT_SECONDS)],
      // It has no limit for memory.
      memory: ['--max-requests', '300', '--max-requests-jitter', '100'],
    }[scenario as string] ?? [];
    const service = await Service.start(port, [
      gunicornProgram!, '--worker-class', 'gthread', '--threads', '32', '--workers', String(workers),
      '--bind', `127.0.0.1:${port}`, '--graceful-timeout', String(GRACEFUL_SECONDS), '--keep-alive', '15', '--pid', pidfile,
      '--chdir', dirname(serverFile('reload_wsgi.py')), ...more, 'reload_wsgi:app',
    ], { PYTHONDONTWRITEBYTECODE: '1' });
    return bySignals(service, () => upgradeByUsr2(service, `${pidfile}.2`, workers, 'SIGTERM'));
  },
};

const nginxProgram = findProgram('nginx');

const nginx: Subject = {
  name: 'nginx',
  missing: nginxProgram === null ? 'apt-get install nginx-light, brew install nginx' : null,
  cannot: { memory: 'it recycles nothing by itself' },
  withoutKinds: {},
  async start(port, _scenario, workers) {
    const applicationPort = await otherPort();
    const application = await Service.start(applicationPort, [process.execPath, serverFile('reload-node.ts'), String(applicationPort)]);
    const folder = reloadNginxFolder(port, applicationPort, workers, GRACEFUL_SECONDS);
    try {
      const pidfile = join(folder, 'nginx.pid');
      // As the child of its starter it would take itself for a second master already, and refuse an upgrade.
      const service = await Service.start(port, [nginxProgram!, '-p', folder, '-c', 'nginx.conf'], {}, pidfile);
      return {
        ...bySignals(service, () => upgradeByUsr2(service, pidfile, workers, 'SIGQUIT')),
        stop: async () => {
          // QUIT is its graceful stop; TERM is a fast one.
          const left = await service.stop('SIGQUIT');
          await application.kill();
          return left;
        },
      };
    } catch (error) {
      await application.kill();
      throw error;
    }
  },
};

export const subjects: readonly Subject[] = [tenServers, nodeCluster, pm2, gunicorn, nginx];

/** A control: it must lose, else the harness sees nothing. */
export interface Control extends Subject {
  /** What its faults must show in: a kind of client, or the burst of a full accept queue. */
  readonly mustLose: readonly (Kind | 'burst')[];
  /** What is done in place of a kill or a freeze of one worker, where there is only one process. */
  readonly single: boolean;
}

/** One process that is killed and started again: what a reload is for those who have none. */
function startedAgain(mustLose: Control['mustLose']): Control {
  return {
    name: 'control: kill, start again', missing: null, cannot: {}, withoutKinds: {}, single: true, mustLose,
    async start(port) {
      const command = [process.execPath, serverFile('reload-node.ts'), String(port)];
      // The process that runs now; the harness holds on to `running`.
      const running = {
        service: await Service.start(port, command),
        async reload() {
          await running.service.kill();
          running.service = await Service.start(port, command);
        },
        upgrade: () => running.reload(),
        stop: () => running.service.stop(),
      };
      return running;
    },
  };
}

const everybody: readonly Kind[] = ['new connection', 'keep-alive', 'WebSocket', 'event stream'];

export const controls: Readonly<Record<ScenarioName, Control>> = {
  reload: startedAgain(everybody),
  upgrade: startedAgain(everybody),
  kill: startedAgain(everybody),
  freeze: { ...startedAgain(['new connection', 'keep-alive']), name: 'control: one process, stopped' },
  memory: {
    ...nodeCluster, name: 'control: exits after N requests', cannot: {}, single: false, mustLose: everybody,
    async start(port, _scenario, workers) {
      return bySignals(await Service.start(port, [process.execPath, serverFile('reload-cluster.ts'), String(port), String(workers), '200']));
    },
  },
  queue: {
    ...nodeCluster, name: 'control: a queue for each worker', single: false, mustLose: ['burst'],
    async start(port, _scenario, workers) {
      const service = await Service.start(port, [process.execPath, serverFile('reload-reuseport.ts'), String(port), String(workers)]);
      const reloads = (): number => service.output.split('\n').filter((line) => line === 'the old workers are told').length;
      let ordered = 0;
      return {
        ...bySignals(service),
        reload: async () => {
          ordered = reloads() + 1;
          return await Promise.resolve(service.signal('SIGHUP'));
        },
        told: () => until(() => reloads() >= ordered, 'the old workers are not told to go'),
      };
    },
  },
};

/** What is here to be run. */
export function versions(): string {
  const ask = (program: string | null, flag: string): string[] => {
    if (program === null) return [];
    // nginx says it on stderr.
    const { stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
    return [/[a-z]+[^\w\n]*(?:version )?[\d.]+/i.exec(stdout + stderr)?.[0].replace(/[^\w.]+(?:version )?/, ' ') ?? program];
  };
  const inPackage = createRequire(import.meta.filename);
  const pm2Version = pm2.missing === null ? [`pm2 ${(inPackage(join(dirname(PM2), '..', 'package.json')) as { version: string }).version}`] : [];
  return [...pm2Version, ...ask(gunicornProgram, '--version'), ...ask(nginxProgram, '-v')].join(', ');
}

async function otherPort(): Promise<number> {
  const { freePort } = await import('../support/server-process.ts');
  return await freePort();
}

const folders: string[] = [];

/** Gone when the bench ends. */
function temporaryFolder(): string {
  if (folders.length === 0) process.on('exit', () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));
  const folder = mkdtempSync(join(tmpdir(), 'bench-ledger-'));
  folders.push(folder);
  return folder;
}
