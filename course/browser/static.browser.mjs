/**
 * Chapter 03's demo site in a browser: it renders, the film seeks, and what has been seen is asked for with its tag.
 *
 * With SCREENSHOTS=DIR it leaves pictures of what it saw.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const ROOT = join(import.meta.dirname, '..', '..');
const SITE = join(ROOT, 'chapters', '03-static', 'public');
const DEADLINE_MS = 30_000;
const FLAGS = [
  '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];

let server;
let browser;
let origin;

before(async () => {
  server = spawn(
    process.execPath,
    [join(ROOT, 'solutions', '03-static', 'main.ts'), '--port', '0', '--directory', SITE, '--precompressed', '--no-log'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  origin = await new Promise((resolve, reject) => {
    let text = '';
    server.stdout.on('data', (bytes) => {
      text += bytes;
      const found = /listening on (\S+)/.exec(text);
      if (found) resolve(found[1]);
    });
    server.on('exit', (code) => reject(new Error(`the server ended with ${code} before it listened`)));
  });
  const asRoot = process.getuid?.() === 0;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...FLAGS, ...(asRoot ? ['--no-sandbox'] : [])],
  });
});

after(async () => {
  await browser?.close();
  server?.kill();
});

/** A page that remembers what its console and its network said. */
async function openPage(options = {}) {
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

async function screenshot(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
}

for (const colorScheme of ['light', 'dark']) {
  test(`the page renders without a complaint (${colorScheme})`, async () => {
    const { context, page, complaints, responses } = await openPage({ colorScheme });
    await page.goto(`${origin}/`, { waitUntil: 'load' });
    assert.equal(await page.title(), 'A page to serve');
    await page.waitForFunction(() => document.querySelectorAll('#files tr').length >= 4);
    assert.ok(await page.evaluate(() => document.fonts.ready.then(() => document.fonts.check('700 16px Bitter'))), 'the font has come');
    assert.ok(await page.evaluate(() => document.querySelector('header img').naturalWidth > 0), 'the picture has come');
    const style = responses.find((response) => response.url().endsWith('/styles.css'));
    assert.equal(style.headers()['content-encoding'], 'br');
    assert.match(style.headers()['content-type'], /^text\/css/);
    await screenshot(page, `static-${colorScheme}`);
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test('the film seeks, by the keyboard, with ranges', async () => {
  const { context, page, complaints, responses } = await openPage();
  await page.goto(`${origin}/`, { waitUntil: 'load' });
  await page.waitForFunction(() => document.getElementById('video').readyState >= 1);
  await page.focus('[data-second="15"]');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.getElementById('answer').textContent.includes('stands at second 15'));
  const film = responses.filter((response) => response.url().endsWith('.webm'));
  const partial = film.filter((response) => response.status() === 206);
  assert.ok(partial.length > 0, `statuses of the film: ${film.map((response) => response.status()).join(', ')}`);
  assert.match(partial[0].headers()['content-range'], /^bytes \d+-\d+\/\d+$/);
  await screenshot(page, 'static-film');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('the second load asks with tags and is told 304', async () => {
  const { context, page, complaints } = await openPage();
  // A 304 is invisible to the page's own events: the network's log has what came over the wire.
  const statuses = new Map();
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const urls = new Map();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url));
  session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => {
    const url = urls.get(requestId);
    if (url !== undefined) statuses.set(new URL(url).pathname, statusCode);
  });
  await page.goto(`${origin}/`, { waitUntil: 'load' });
  await page.waitForFunction(() => document.querySelectorAll('#files tr').length >= 4);
  assert.equal(statuses.get('/styles.css'), 200);
  statuses.clear();
  await page.reload({ waitUntil: 'load' });
  await page.waitForFunction(() => document.querySelectorAll('#files tr').length >= 4);
  for (const path of ['/', '/styles.css', '/page.js']) assert.equal(statuses.get(path), 304, `${path} on the second load`);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a directory is sent on to its slash and listed', async () => {
  const { context, page, complaints } = await openPage();
  await page.goto(`${origin}/`);
  await page.click('a[href="logbook"]');
  await page.waitForURL(`${origin}/logbook/`);
  await page.click('text=day 10 & after #1.txt');
  await page.waitForURL(`${origin}/logbook/day%2010%20%26%20after%20%231.txt`);
  assert.match(await page.textContent('body'), /^Day 10\./);
  assert.deepEqual(complaints, []);
  await context.close();
});
