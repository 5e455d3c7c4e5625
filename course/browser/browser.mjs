/**
 * A browser, and the references' programs for it to look at.
 *
 * With SCREENSHOTS=DIR the tests leave pictures of what they saw.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const ROOT = join(import.meta.dirname, '..', '..');
export const DEADLINE_MS = 30_000;
const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

const servers = [];
let browser;

export async function launch() {
  const asRoot = process.getuid?.() === 0;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, ...(asRoot ? ['--no-sandbox'] : [])],
  });
}

export async function close() {
  await browser?.close();
  for (const server of servers) server.kill();
}

/** Starts a chapter's reference on a free port. Gives the origin where it listens. */
export async function serve(chapter, ...options) {
  return (await start(chapter, ...options)).origin;
}

/** As {@link serve}, for a server that a test ends: `kill` resolves when it is gone. */
export async function start(chapter, ...options) {
  const main = join(ROOT, 'solutions', chapter, 'main.ts');
  const server = spawn(process.execPath, ['--disable-sigusr1', main, '--port', '0', ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  servers.push(server);
  const gone = new Promise((resolve) => server.once('exit', resolve));
  const origin = await new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (bytes) => {
      text += bytes;
      const found = /listening on (\S+)\n/.exec(text);
      if (found) resolve(found[1]);
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)));
  });
  const kill = async () => {
    server.kill('SIGKILL');
    await gone;
  };
  return { origin, kill };
}

/** A page that remembers what its console and its network said. */
export async function openPage(options = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 1300 }, ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const complaints = [];
  const responses = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('requestfailed', (request) => {
    // A film that has what it needs lets go of the rest.
    if (!request.url().endsWith('.webm')) complaints.push(`${request.url()}: ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => responses.push(response));
  return { context, page, complaints, responses };
}

export async function screenshot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
}
