/**
 * Chapter 03's demo site in a browser: it renders, the film seeks, and what has been seen is asked for with its tag.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { close, DEADLINE_MS, launch, openPage, ROOT, screenshot, serve as start } from './browser.mjs';

const SITE = join(ROOT, 'chapters', '03-static', 'public');

let origin;

/** Serves a directory with the reference's tool; the origin where it listens. */
async function serve(directory, ...options) {
  return await start('03-static', '--directory', directory, '--no-log', ...options);
}

before(async () => {
  await launch();
  origin = await serve(SITE, '--precompressed');
});

after(close);

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
  await page.waitForFunction(() => document.getElementById('answer').textContent.includes('is at second 15'));
  const film = responses.filter((response) => response.url().endsWith('.webm'));
  const partial = film.filter((response) => response.status() === 206);
  assert.ok(partial.length > 0, `statuses of the film: ${film.map((response) => response.status()).join(', ')}`);
  assert.match(partial[0].headers()['content-range'], /^bytes \d+-\d+\/\d+$/);
  await screenshot(page, 'static-film');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('the second load asks with tags and is told 304', { timeout: DEADLINE_MS }, async () => {
  const { context, page, complaints } = await openPage();
  // A 304 is invisible to the page's own events: the network's log has what came over the wire.
  const session = await context.newCDPSession(page);
  await session.send('Network.enable');
  const paths = new Map();
  const codes = new Map();
  session.on('Network.requestWillBeSent', ({ requestId, request }) => paths.set(requestId, new URL(request.url).pathname));
  session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => codes.set(requestId, statusCode));
  /** The status of the last request for a path. The events of one request come in any order, and after the page's own. */
  const statusOf = async (path) => {
    for (;;) {
      const id = [...paths.keys()].findLast((requestId) => paths.get(requestId) === path);
      if (id !== undefined && codes.has(id)) return codes.get(id);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await page.goto(`${origin}/`, { waitUntil: 'load' });
  await page.waitForFunction(() => document.querySelectorAll('#files tr').length >= 4);
  assert.equal(await statusOf('/styles.css'), 200);
  paths.clear();
  await page.reload({ waitUntil: 'load' });
  await page.waitForFunction(() => document.querySelectorAll('#files tr').length >= 4);
  for (const path of ['/', '/styles.css', '/page.js']) assert.equal(await statusOf(path), 304, `${path} on the second load`);
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

test('a listing is used from the keyboard, on the width of a phone', async () => {
  const { context, page, complaints } = await openPage({ viewport: { width: 360, height: 640 } });
  await page.goto(`${origin}/logbook/`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), '../');
  await page.keyboard.press('Tab');
  const name = await page.evaluate(() => document.activeElement.textContent);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing sticks out to the side');
  assert.ok(await page.evaluate(() => document.activeElement.getBoundingClientRect().height >= 24), 'a link can be hit with a finger');
  await screenshot(page, 'static-listing');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${origin}/logbook/${encodeURIComponent(name)}`);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a real site is served without a complaint: the API reference of this project', async () => {
  const site = join(ROOT, 'docs', 'api');
  if (!existsSync(join(site, 'index.html'))) {
    const { status, stderr } = spawnSync(process.execPath, ['course/ten.mjs', 'docs'], { cwd: ROOT, encoding: 'utf8' });
    assert.equal(status, 0, `npm run docs fails: ${stderr}`);
  }
  const docs = await serve(site, '--memory', '16');
  const { context, page, complaints, responses } = await openPage();
  await page.goto(`${docs}/`, { waitUntil: 'networkidle' });
  // Its own search finds a class, and its page is shown.
  await page.keyboard.press('/');
  await page.keyboard.type('HttpConnection');
  const hit = page.locator('#tsd-search-results a', { hasText: 'HttpConnection' }).first();
  await hit.waitFor();
  await hit.click();
  await page.waitForURL(/HttpConnection/);
  assert.match(await page.textContent('h1'), /HttpConnection/);
  await screenshot(page, 'static-docs');
  const failed = responses.filter((response) => response.status() >= 400).map((response) => `${response.status()} ${response.url()}`);
  assert.deepEqual(failed, []);
  assert.deepEqual(complaints, []);
  await context.close();
});
