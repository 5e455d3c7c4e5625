/** Chapter 05's notes in a browser: written, changed and deleted, by the keyboard too, and shown as text whatever they say. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { close, launch, openPage, ROOT, screenshot, serve } from './browser.mjs';

const TOKEN = randomUUID();
let origin;

before(async () => {
  await launch();
  origin = await serve('05-gateway', '--token', TOKEN, '--log', 'none');
});

after(close);

for (const [colorScheme, width] of [['light', 900], ['dark', 360]]) {
  test(`a note is written, changed and deleted (${colorScheme}, ${width} pixels)`, async () => {
    const { context, page, complaints } = await openPage({ colorScheme, viewport: { width, height: 800 } });
    await page.goto(`${origin}/`, { waitUntil: 'networkidle' });
    await page.getByText('There are none yet.').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByLabel('Title').fill('<b>Bread</b> & "salt"');
    await page.getByLabel('Text').fill('<img src=x onerror="document.title = 1">');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const note = page.getByRole('article');
    await note.waitFor();
    assert.equal(await note.getByRole('heading').textContent(), '<b>Bread</b> & "salt"');
    assert.equal(await note.locator('.text').textContent(), '<img src=x onerror="document.title = 1">');
    assert.equal(await page.title(), 'Notes');
    await note.getByRole('button', { name: /^Edit/ }).click();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'title');
    await page.getByLabel('Title').fill('Butter');
    await page.getByLabel('Title').press('Enter');
    await page.getByRole('heading', { name: 'Butter' }).waitFor();
    assert.equal(await note.count(), 1);
    await screenshot(page, `notes-${colorScheme}`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing sticks out to the side');
    await page.reload({ waitUntil: 'networkidle' });
    assert.equal(await note.getByRole('heading').textContent(), 'Butter');
    await note.getByRole('button', { name: 'Delete Butter' }).press('Enter');
    await page.getByText('There are none yet.').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'list-title');
    assert.deepEqual(complaints, []);
    await context.close();
  });
}

test('without the token nothing is written, and the page says why', async () => {
  const { context, page } = await openPage();
  await page.goto(`${origin}/`, { waitUntil: 'networkidle' });
  for (const token of ['', 'another', 'ü', '日本']) {
    await page.getByLabel('Token').fill(token);
    await page.getByLabel('Title').fill('Not to be seen');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').getByText(/token/i).waitFor();
    assert.equal(await page.getByRole('article').count(), 0);
    // What was typed is not lost.
    assert.equal(await page.getByLabel('Title').inputValue(), 'Not to be seen');
    await page.reload({ waitUntil: 'networkidle' });
  }
  await context.close();
});

test('a page of another origin reads the notes, and writes with the token', async () => {
  const other = await serve('03-static', '--directory', join(ROOT, 'chapters', '03-static', 'public'), '--no-log');
  const { context, page } = await openPage();
  await page.goto(`${other}/`);
  const ask = async (method, token) => await page.evaluate(async ([url, method, token]) => {
    const headers = { 'Content-Type': 'application/json', ...(token === null ? {} : { Authorization: `Bearer ${token}` }) };
    const options = method === 'GET' ? {} : { method, headers, body: JSON.stringify({ title: 'From elsewhere', text: '' }) };
    const response = await fetch(url, options);
    return { status: response.status, location: response.headers.get('location'), server: response.headers.get('server') };
  }, [`${origin}/api/notes`, method, token]);
  assert.equal((await ask('GET', null)).status, 200);
  assert.equal((await ask('POST', 'another')).status, 401);
  const made = await ask('POST', TOKEN);
  assert.equal(made.status, 201);
  assert.match(made.location, /api\/notes\//, 'a field that is exposed can be read');
  assert.equal(made.server, null, 'one that is not exposed cannot');
  await context.close();
});
